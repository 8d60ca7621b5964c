package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/internal/readiness"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
)

func (a *app) newPlanNextCommand() *cobra.Command {
	var f struct {
		plan.Conditions
		diff bool
	}
	cmd := &cobra.Command{
		Use:   "next",
		Short: "write the migrations of kept plans that are due now",
		Long: `Continues the plans that onward plan --write keeps in onward/plans: it writes the migrations of
the steps that are now due. After a backfill has run, --filled names it. After the last process
of the old release has ended, --gone names that release, and the contract steps are due. Files
that were written before must be unchanged.

Exit code: 0 written, or nothing is due; 2 usage or input; 3 something could not be read or
written.`,
		Example: `  onward plan next --filled rename_country
  onward plan next --gone v1.4 --diff`,
		Args: checkArguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := a.chosenFormat(report.FormatTerminal); err != nil {
				return err
			}
			release, err := a.releaseConfig(cmd.Context(), &releaseFlags{})
			if err != nil {
				return err
			}
			drafts, err := plan.Next(cmd.Context(), release, f.Conditions)
			if err != nil {
				return err
			}
			return a.writeOrShowDrafts(drafts, f.diff)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.Gone, "gone", "", "`revision` that plans began at and of which no process is left")
	flags.StringArrayVar(&f.Filled, "filled", nil, "`name` of a plan whose next backfill, or other step by hand, ran to its end; repeatable")
	flags.BoolVar(&f.diff, "diff", false, "show the files instead of writing them")
	return cmd
}

// writeOrShowDrafts shows drafts, or writes them and prints the next steps.
func (a *app) writeOrShowDrafts(drafts []*plan.Draft, diff bool) error {
	var b strings.Builder
	for _, d := range drafts {
		changes := !d.Again || len(d.Files) > 0 || d.Ran
		switch {
		case diff:
			text, err := d.Diff()
			if err != nil {
				return err
			}
			b.WriteString(text)
			continue
		case changes:
			if err := d.Save(); err != nil {
				return err
			}
		}
		describeDraft(&b, d, changes)
	}
	return a.writeResult(func(w io.Writer) error {
		_, err := io.WriteString(w, b.String())
		return err
	})
}

// describeDraft prints what was written, and the next step.
func describeDraft(b *strings.Builder, d *plan.Draft, changes bool) {
	line := func(format string, args ...any) {
		b.WriteString(escape.Line(fmt.Sprintf(format, args...)) + "\n")
	}
	for _, f := range d.Files {
		line("wrote %s", f.Path)
	}
	if changes {
		if d.Script != nil {
			line("wrote %s", d.Script.Path)
		}
		line("wrote %s: commit it with them", d.Path)
	}
	if !d.Again {
		if len(d.Files) > 0 {
			line("chosen: the migrations' own tool runs these files, or onward apply without --plan does. " +
				"onward apply --plan refuses this plan: it would run the steps and leave the files to be run again")
		}
		for _, m := range d.Plan.MissingSteps() {
			line("missing: %s", m)
		}
		for i := range d.Plan.Left {
			l := &d.Plan.Left[i]
			if l.SQL == "" {
				line("in a file of its own: the code in %s:%d", l.Path, l.Line)
				continue
			}
			line("left as it was written: %s:%d: %s", l.Path, l.Line, strings.Join(l.Why, "; "))
		}
		if len(d.Replaced) > 0 {
			line("the new files replace %s", strings.Join(d.Replaced, ", "))
		}
	}
	switch s := d.Waits; {
	case s == nil:
		line("plan %s is written to its end", d.Plan.Name)
	case s.ByHand != "":
		line("run %s by hand after the files before it: %s", s.ID, s.ByHand)
	}
	ready := readiness.JudgeWritten(d.Plan, false)
	line("%s", ready.Text)
	if !ready.NewCode {
		line("If this branch has the new code, too, split it: these files first, the code after the backfill.")
	}
	if commands := nextCommands(d, changes); len(commands) > 0 {
		b.WriteString("next, in the repository's root:\n")
		for _, c := range commands {
			b.WriteString("    " + c + "\n")
		}
	}
}

// nextCommands returns the commands that follow a draft, for a shell in the repository's root.
func nextCommands(d *plan.Draft, changes bool) []string {
	var out []string
	command := func(words ...string) {
		for i, w := range words {
			words[i] = escape.QuoteShell(w)
		}
		out = append(out, strings.Join(words, " "))
	}
	if len(d.Replaced) > 0 && !d.Again {
		command(append([]string{"rm", "-r", "--"}, d.Replaced...)...)
		command(append([]string{"git", "rm", "-r", "-q", "--ignore-unmatch", "--"}, d.Replaced...)...)
	}
	if changes {
		paths := []string{"git", "add", "--", d.Path} // whatever else has changed is not part of this commit
		if d.Script != nil {
			paths = append(paths, d.Script.Path)
		}
		for _, f := range d.Files {
			paths = append(paths, f.Path)
		}
		command(paths...)
		command("git", "commit", "-m", "plan "+d.Plan.Name)
	}
	if len(d.Files) > 0 {
		out = append(out, "# deploy: your migration tool runs the new files")
	}
	switch s := d.Waits; {
	case s == nil:
	case s.ByHand != "":
		guard := ""
		if d.IsWatched() {
			guard = "onward guard --db env:DATABASE_URL -- "
		}
		out = append(out, guard+`psql "$DATABASE_URL" -X -v ON_ERROR_STOP=1 -f `+escape.QuoteShell(d.Script.Path))
		command("onward", "plan", "next", "--filled", d.Plan.Name)
	case s.Phase == onward.Contract:
		out = append(out, "# after the last process of the deployed code has ended:")
		command("onward", "plan", "next", "--gone", d.Plan.Base)
	}
	return out
}
