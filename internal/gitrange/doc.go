// Package gitrange answers two questions about a git repository: which files
// exist at two revisions, and what they contain there.
//
// It drives the git program (2.26 or newer, found in PATH) and nothing else:
// output is read in its -z form, and contents come from one long-lived
// "git cat-file --batch" process per [Repo].
//
// The repository may be a stranger's. No program named by the repository's own
// configuration is run (hooks, fsmonitor, filters, textconv, external diff),
// the network is never used, not even by a partial clone that lacks objects,
// and nothing is written to the repository: not to its index, its references,
// its objects or its working tree. Symbolic links are followed inside the root
// only.
package gitrange
