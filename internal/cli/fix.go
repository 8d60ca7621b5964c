package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/plan"
)

// fixing are the flags of a command that can rewrite what it judges.
type fixing struct{ fix, diff bool }

func (f *fixing) register(flags *pflag.FlagSet) {
	flags.BoolVar(&f.fix, "fix", false, "rewrite migrations that the base does not have, so that they are safe, and report on what they are then")
	flags.BoolVar(&f.diff, "diff", false, "with --fix, show what it would do instead")
}

// fixed rewrites the migrations of the working tree, or those with some paths, and says what it
// did. done: it was to be shown only, and was.
func (a *app) fixed(ctx context.Context, f *fixing, c audit.Config, paths []string) (done bool, err error) {
	switch {
	case f.diff && !f.fix:
		return false, usagef("--diff goes with --fix")
	case !f.fix:
		return false, nil
	case f.diff && report.Format(a.flags.format) != report.FormatTerminal:
		return false, usagef("--diff has a form of its own: leave out --format")
	}
	fixes, err := plan.Fix(ctx, c, paths)
	if err != nil {
		return false, err
	}
	for _, why := range fixes.Left {
		a.say("not rewritten: %s", why)
	}
	if f.diff {
		text, err := fixes.Diff()
		if err != nil {
			return false, err
		}
		if len(fixes.Left) > 0 {
			a.code = exitFindings
		}
		return true, a.write(func(w io.Writer) error {
			_, err := io.WriteString(w, text)
			return err
		})
	}
	if err := fixes.Save(); err != nil {
		return false, err
	}
	for _, e := range fixes.Edits {
		a.say("rewrote %s", e.Path)
	}
	if fixes.Draft != nil {
		var b strings.Builder
		told(&b, fixes.Draft, true)
		for _, r := range fixes.Removed {
			fmt.Fprintf(&b, "removed %s: they take its place\n", report.Line(r.Path))
		}
		fmt.Fprintln(&b, "the plan was not tried on a server: onward plan proves one before it writes it")
		for line := range strings.Lines(b.String()) {
			a.say("%s", strings.TrimRight(line, "\n"))
		}
	}
	return false, nil
}
