package sql

import (
	"regexp"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

// Atlas was read in its source (1.0: Executor, LocalFile, cmdapi's tx):
//
//   - A file runs in a transaction, statement by statement; its directive
//     "atlas:txmode none" switches that off. Directives stand in comments at the
//     head of a file, with an empty line behind them: what a statement follows
//     is that statement's comment.
//   - A file that failed without a transaction goes on at the statement that
//     failed.
//   - A checkpoint runs on new databases, in the place of all that is before it.

var atlasDirective = regexp.MustCompile(`^[ -~]*atlas:(\w+)(?: +(.*\S))?\s*$`)

// atlasSays gives the directives at the head of a file.
func atlasSays(text string) map[string]string {
	out := map[string]string{}
	for strings.HasPrefix(text, "--") || strings.HasPrefix(text, "#") {
		line, rest, _ := strings.Cut(text, "\n")
		if m := atlasDirective.FindStringSubmatch(line); m != nil {
			out[m[1]] = m[2]
		}
		text = rest
	}
	if text != "" && !strings.HasPrefix(strings.TrimLeft(text, " \t\r"), "\n") {
		return nil
	}
	return out
}

// atlasMode is how Atlas sends a file.
func atlasMode(text string) onward.Transaction {
	if atlasSays(text)["txmode"] == "none" {
		return onward.TransactionNone
	}
	return onward.TransactionFile
}

// checkpoint reports whether a file is one that databases with a history pass
// over.
func checkpoint(f *adapter.File) bool {
	_, is := atlasSays(f.Text)["checkpoint"]
	return is
}

// withoutCheckpoints leaves those out, except where a directory begins with one.
func withoutCheckpoints(names []string, files []*adapter.File) ([]string, []*adapter.File) {
	keptNames, kept := names[:0:0], files[:0:0]
	for i, f := range files {
		if i == 0 || !checkpoint(f) {
			keptNames, kept = append(keptNames, names[i]), append(kept, f)
		}
	}
	return keptNames, kept
}
