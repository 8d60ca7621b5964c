package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/internal/report"
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
			release, err := a.releaseConfig(&releaseFlags{})
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
		b.WriteString(report.EscapeLine(fmt.Sprintf(format, args...)) + "\n")
	}
	for _, f := range d.Files {
		line("wrote %s", f.Path)
	}
	if changes {
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
			line("left as it was written: %s:%d: %s", l.Path, l.Line, strings.Join(l.Why, "; "))
		}
	}
	for _, m := range d.Replaced {
		line("they take the place of %s: git rm %s", m, m)
	}
	switch s := d.Waits; {
	case s == nil:
		line("plan %s is written to its end", d.Plan.Name)
	case s.ByHand != "":
		line("run %s by hand after the files before it: %s", s.ID, s.ByHand)
		sql := s.SQL
		if s.Repeat {
			line("repeat it until it returns 0, with psql or another client:")
		}
		for text := range strings.Lines(sql) {
			b.WriteString("    " + report.EscapeLine(strings.TrimRight(text, "\n")) + "\n")
		}
		line("then: onward plan next --filled %s", d.Plan.Name)
	case s.Phase == onward.Contract:
		line("%s waits until no process of the deployed code (%s) is left; then: onward plan next --gone %s", s.ID, d.Plan.Base, d.Plan.Base)
	}
}
