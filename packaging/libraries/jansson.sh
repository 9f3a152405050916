sed 's/@json_inline@/inline/; s/@json_have_[a-z_]*@/1/' "$SOURCE/src/jansson_config.h.in" >jansson_config.h
cp jansson_config.h "$SOURCE/src/jansson.h" "$FOLDER/include"
defines='#define INITIAL_HASHTABLE_ORDER 3\n'
case $TARGET in
    *-windows-*) defines="$defines#define USE_WINDOWS_CRYPTOAPI 1\\n" scheduler= ;;
    *) defines="$defines#define USE_URANDOM 1\\n" scheduler='SCHED_H SCHED_YIELD' ;;
esac
for has in ATOMIC_BUILTINS CLOSE FCNTL_H GETPID GETTIMEOFDAY LOCALECONV OPEN READ $scheduler STDINT_H \
    SYNC_BUILTINS SYS_STAT_H SYS_TIME_H SYS_TYPES_H UNISTD_H; do
    defines="$defines#define HAVE_$has 1\\n"
done
printf "$defines" >jansson_private_config.h
archive libjansson -DHAVE_CONFIG_H -I. "-I$SOURCE/src" -- "$SOURCE"/src/*.c
