archive libz -D_LARGEFILE64_SOURCE=1 -DHAVE_UNISTD_H -DHAVE_STDARG_H -- "$SOURCE"/*.c
cp "$SOURCE/zlib.h" "$SOURCE/zconf.h" "$FOLDER/include"
