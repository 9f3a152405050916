archive libzstd -DZSTD_DISABLE_ASM -DZSTD_LEGACY_SUPPORT=0 -- "$SOURCE"/lib/common/*.c "$SOURCE"/lib/decompress/*.c
cp "$SOURCE/lib/zstd.h" "$SOURCE/lib/zstd_errors.h" "$FOLDER/include"
