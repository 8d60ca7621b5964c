package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/config"
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

// maxPlanSize bounds the file of a plan.
const maxPlanSize = 64 << 20

// planFamily is the schema in a plan's file without its version number.
var planFamily = strings.TrimRight(onward.PlanSchema, "0123456789")

// makePlanFile is the command that makes the file of a plan.
const makePlanFile = "onward plan --format json --output plan.json"

// readPlan reads the file of a plan. For another kind of file, the error says what it is.
func readPlan(name string) (*onward.Plan, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &nextError{newUsageError("%s: there is no such file", name), "onward plan --format json --output " + escape.QuoteShell(name)}
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxPlanSize))
	if err != nil {
		return nil, err
	}
	refuse := func(problem string) error {
		return &nextError{&config.InputError{Err: fmt.Errorf("%s %s, and not a plan. Make one, and name its file with --plan", name, problem)}, makePlanFile}
	}
	var head struct {
		Schema string `json:"schema"`
	}
	switch err := json.Unmarshal(text, &head); {
	case len(strings.TrimSpace(string(text))) == 0:
		return nil, refuse("is empty")
	case err != nil && !json.Valid(text):
		return nil, refuse("is not JSON (" + err.Error() + ")")
	case err != nil:
		return nil, refuse("is JSON of something else")
	case head.Schema != onward.PlanSchema && strings.HasPrefix(head.Schema, planFamily):
		return nil, &nextError{&config.InputError{Err: fmt.Errorf("%s is a plan of another release of onward: it says %q, and this release reads %q. "+
			"Make it again", name, head.Schema, onward.PlanSchema)}, makePlanFile}
	case head.Schema != onward.PlanSchema:
		return nil, refuse(describeFile(head.Schema))
	}
	var p onward.Plan
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, refuse(fmt.Sprintf("says %q but does not fit (%v)", head.Schema, err))
	}
	return &p, nil
}

// describeFile says what a file is, by its schema.
func describeFile(schema string) string {
	commands := map[string]string{
		onward.ReportSchema:    "is the report of onward changelog, check or rehearse",
		onward.AppliedSchema:   "is what onward apply or status printed",
		onward.PreflightSchema: "is what onward preflight printed",
		onward.StatsSchema:     "is what onward stats printed",
		onward.RolloutSchema:   "is what onward guard --targets printed",
		onward.GuardedSchema:   "is what onward guard printed",
		onward.NoticeSchema:    "is a notice to a webhook",
	}
	switch description, known := commands[schema]; {
	case known:
		return fmt.Sprintf("%s (%q)", description, schema)
	case schema != "":
		return fmt.Sprintf("says that it is %q", schema)
	}
	return "is JSON of something else"
}
