/*
 * The words around the bridge in entries that were made for mcp-remote: of
 * "npx -y mcp-remote URL ..." people replace the first word and leave the rest.
 */
#ifndef MPMCP_WRAPPER_H
#define MPMCP_WRAPPER_H

#include "options.h"

/*
 * Adds copies of those of the n words that are for us to out: all but npx and the like at the front, its
 * options (-y, -p X, --package X), and the package (mcp-remote, mcp-remote@VERSION), a path of mcp-remote's
 * proxy.js or our own name. One word that is a whole command ("npx -y mcp-remote https://... --header
 * ...") is taken apart as a shell does it; a backslash is one but before a quote or a blank, since Windows
 * has them in paths.
 */
void wrapper_open(char *const *words, size_t n, struct options_list *out);

/* Takes blanks, quotes and angle brackets off a word that is a URL; false when it is none. In place. */
bool wrapper_bare_url(char *word);

#endif
