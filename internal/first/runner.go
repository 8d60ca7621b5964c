package first

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/onward"
)

// writeRunner proposes how the repository's own program runs the files of a directory; nil for none. The proposal is a comment, because the
// program's code was read and not run.
func writeRunner(b *strings.Builder, framework string, r *config.Runner) {
	if r == nil {
		return
	}
	frameworkHint := ""
	if framework != all.Plain {
		frameworkHint = "leave out framework, "
	}
	line := func(format string, args ...any) { fmt.Fprintf(b, "#     "+format+"\n", args...) }
	line("# %s seems to run these files. Check this, %sand remove the #:", commentText(r.Name), frameworkHint)
	if r.Transaction != "" {
		line("transaction: %s", r.Transaction)
	} else {
		line("# transaction: file # file, message, none, or run for all pending files in one transaction")
	}
	line("runner:")
	line("  name: %s", quoteScalar(r.Name))
	list := func(key string, patterns []string) {
		if len(patterns) == 0 {
			return
		}
		quoted := make([]string, len(patterns))
		for i, p := range patterns {
			quoted[i] = quoteScalar(p)
		}
		line("  %s: [%s]", key, strings.Join(quoted, ", "))
	}
	list("files", r.Files)
	list("down", r.Down)
	list("programs", r.Programs)
	if r.NoTransactionMarker != "" {
		line("  no_transaction_marker: %s", quoteScalar(r.NoTransactionMarker))
		line("  # no_transaction_mode: %s # if the program sends such a file statement by statement", onward.TransactionNone)
	}
	if r.PSQL {
		line("  psql: true")
	}
	if len(r.Replace) > 0 {
		line("  replace: # any value will do that fits")
		for _, text := range slices.Sorted(maps.Keys(r.Replace)) {
			line("    %s: %s", quoteScalar(text), quoteScalar(r.Replace[text]))
		}
	}
	if r.Table != "" {
		line("  table: %s", quoteScalar(r.Table))
	}
}
