package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/plan"
)

// fixFlags are the flags of a command that can rewrite the migrations that it judges.
type fixFlags struct{ fix, diff bool }

func (f *fixFlags) addFixFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&f.fix, "fix", false, "rewrite migrations that the base does not have, so that they are safe, and report on what they are then")
	flags.BoolVar(&f.diff, "diff", false, "with --fix, show what it would do instead")
}

// fixMigrations rewrites the migrations of the working tree, or those with some paths, and prints the
// result. done is set if the command only had to show the changes, and has done so.
func (a *app) fixMigrations(ctx context.Context, f *fixFlags, c audit.Config, paths []string) (done bool, err error) {
	switch {
	case f.diff && !f.fix:
		return false, newUsageError("--diff goes with --fix")
	case !f.fix:
		return false, nil
	case f.diff && report.Format(a.flags.format) != report.FormatTerminal:
		return false, newUsageError("--diff has a form of its own: leave out --format")
	}
	fixes, err := plan.Fix(ctx, c, paths)
	if err != nil {
		return false, err
	}
	for _, reason := range fixes.Left {
		a.printNote("not rewritten: %s", reason)
	}
	if f.diff {
		text, err := fixes.Diff()
		if err != nil {
			return false, err
		}
		if len(fixes.Left) > 0 {
			a.code = exitFindings
		}
		return true, a.writeResult(func(w io.Writer) error {
			_, err := io.WriteString(w, text)
			return err
		})
	}
	if err := fixes.Save(); err != nil {
		return false, err
	}
	for _, e := range fixes.Edits {
		a.printNote("rewrote %s", e.Path)
	}
	if fixes.Draft != nil {
		var b strings.Builder
		describeDraft(&b, fixes.Draft, true)
		for _, r := range fixes.Removed {
			fmt.Fprintf(&b, "removed %s: they take its place\n", escape.Line(r.Path))
		}
		fmt.Fprintln(&b, "the plan was not tried on a server: onward plan proves one before it writes it")
		for line := range strings.Lines(b.String()) {
			a.printNote("%s", strings.TrimRight(line, "\n"))
		}
	}
	return false, nil
}
