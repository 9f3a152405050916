# The manifest as a resource of the program (type 24, number 1): arguments, variables and names of files are UTF-8.
# Written by hand, since the compiler brings no compiler of resources.
	.section .rsrc,"dr"
	.p2align 2
types:
	.long 0, 0
	.short 0, 0, 0, 1
	.long 24, 0x80000000 + (names - types)
names:
	.long 0, 0
	.short 0, 0, 0, 1
	.long 1, 0x80000000 + (languages - types)
languages:
	.long 0, 0
	.short 0, 0, 0, 1
	.long 0x409, entry - types
entry:
	.rva manifest
	.long end - manifest, 0, 0
	.p2align 3
manifest:
	.incbin "packaging/windows/mpmcp.manifest"
end:
