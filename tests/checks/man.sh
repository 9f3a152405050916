#!/bin/sh
# The man page is well-formed mdoc.
mandoc -T lint -W warning man/mpmcp.1
