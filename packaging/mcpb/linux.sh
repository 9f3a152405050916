#!/bin/sh
# A bundle has one command for Linux; this is the one, for every processor.
exec "${0%/*}/mpmcp-$(uname -m)" "$@"
