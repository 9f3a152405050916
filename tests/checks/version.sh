#!/bin/sh
# What "make release" and "make deb" refuse without: one version in Makefile, CHANGELOG.md and man page.
exec sh packaging/version.sh
