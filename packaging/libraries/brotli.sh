archive libbrotlicommon "-I$SOURCE/c/include" -- "$SOURCE"/c/common/*.c
rm ./*.o
archive libbrotlidec "-I$SOURCE/c/include" -- "$SOURCE"/c/dec/*.c
rm -rf "$FOLDER/include/brotli"
cp -r "$SOURCE/c/include/brotli" "$FOLDER/include"
