package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/first"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/linters"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// baselineName is the file that --baseline writes, beside onward.yaml.
const baselineName = "onward.baseline.json"

// initFlags are the flags of init.
type initFlags struct {
	print, baseline  bool
	hook, removeHook string
}

// newInitCommand is the command init; Go reserves that name.
func (a *app) newInitCommand() *cobra.Command {
	var f initFlags
	cmd := &cobra.Command{
		Use:   "init",
		Short: "write a commented onward.yaml that fits this repository",
		Long: `Looks through the repository: its migrations, its Postgres version, its deployed branch and the
settings of other linters. It asks nothing, and runs no code of the repository. It writes
onward.yaml into the repository's root: settings that it found, and all others as comments. On
GitHub it writes three workflows: one judges a branch, one comments on the pull request, one
reads table sizes each night if it has an address. For GitLab it prints the job for the
pipeline.

It translates the settings of squawk, strong_migrations, django-migration-linter and atlas. A
setting without a counterpart is listed with the reason. No migration changes: onward lists the
comment that would replace each of theirs, with its place.

--hook writes the setting by which a coding assistant asks onward hook before it edits a file or
runs a command. --remove-hook takes it out again. Other settings stay. The hook refuses commands
that lose data, except in databases of a list in onward.yaml. --hook names those that the files
for development have (.env and its like), and on a terminal asks whether to list them. It renders
the migrations of a Django project once, by the project's own code, so that the hook's first
answer is quick.

An existing file is never overwritten; onward prints what it would have written.

Exit code: 0 done; 2 usage or input, or an onward.yaml exists; 3 the work could not be done.`,
		Example: `  onward init
  onward init --print                   to standard output
  onward init --baseline                leave out the findings of today's migrations from now on
  onward init --hook claude             let Claude Code ask onward hook`,
		Args: checkArguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runInit(cmd, f) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVar(&f.print, "print", false, "print onward.yaml, and write nothing")
	flags.BoolVar(&f.baseline, "baseline", false, "write the findings in the migrations that are there to "+baselineName+", and name it in onward.yaml")
	flags.StringVar(&f.hook, "hook", "", "write the setting of an `assistant`: "+joinNames(first.Assistants()))
	flags.StringVar(&f.removeHook, "remove-hook", "", "take the setting of an `assistant` out again")
	completeFlag(cmd, "hook", first.Assistants()...)
	completeFlag(cmd, "remove-hook", first.Assistants()...)
	return cmd
}

func (a *app) runInit(cmd *cobra.Command, f initFlags) error {
	if f.hook != "" || f.removeHook != "" {
		return a.writeHook(cmd, f)
	}
	if _, err := a.chosenFormat(report.FormatTerminal); err != nil {
		return err
	}
	if a.flags.config != "" {
		return newUsageError("init writes %s into the root of the repository, and takes no --config; --print --output writes elsewhere", config.Name)
	}
	if f.print && f.baseline {
		return newUsageError("--print writes nothing, and --baseline writes a file: take one of them")
	}
	found, err := first.ReadRepository(cmd.Context(), ".")
	if err != nil {
		return err
	}
	if f.print {
		for _, u := range found.Unread {
			a.printNote("%s", u)
		}
		return a.writeResult(func(w io.Writer) error {
			_, err := io.WriteString(w, found.YAML(""))
			return err
		})
	}
	if err := refuseExistingConfig(found); err != nil {
		return err
	}
	baseline := filepath.Join(found.Root, baselineName)
	if f.baseline && !config.Replaceable(baseline) {
		return newUsageError("--baseline: %s is there and is no baseline; move it away", baselineName)
	}
	settings, err := config.Decode([]byte(found.YAML("")), config.Name, audit.Names())
	if err != nil {
		return err
	}
	history, dirs, err := found.History(cmd.Context(), settings)
	if err != nil {
		return err
	}
	text, stored := found.YAML(""), false
	if f.baseline && countErrorsAndWarnings(history) > 0 {
		if err := storeBaseline(baseline, history); err != nil {
			return err
		}
		text, stored = found.YAML(baselineName), true
	}
	if err := gitrange.CreateFile(found.Root, config.Name, text); err != nil {
		return err
	}
	return a.writeResult(func(w io.Writer) error {
		r := escape.Writer{W: w}
		printFound(r, found)
		explainBaseline(r, history, dirs, stored)
		if err := writePipelines(r, found); err != nil {
			return err
		}
		fmt.Fprintf(r, "written: %s\nnext: onward changelog\n", relativeToWorkingDir(filepath.Join(found.Root, config.Name)))
		return nil
	})
}

// refuseExistingConfig refuses to continue if an onward.yaml exists, and prints how the new one would differ.
func refuseExistingConfig(found *first.Found) error {
	file, _, err := config.Find(".")
	if err != nil || file == "" {
		return err
	}
	c, err := config.Load(".", audit.Names())
	if err != nil {
		return err
	}
	differs, err := found.Differs(c)
	if err != nil {
		return err
	}
	if len(differs) == 0 {
		return newUsageError("%s is there, and is never overwritten; nothing was found that it does not say", relativeToWorkingDir(file))
	}
	return newUsageError("%s is there, and is never overwritten; what was found is otherwise:\n%s\nonward init --print prints all of it",
		relativeToWorkingDir(file), strings.Join(differs, "\n"))
}

// relativeToWorkingDir returns a path relative to the working directory.
func relativeToWorkingDir(name string) string {
	dir, err := os.Getwd()
	if err != nil {
		return name
	}
	if relPath, err := filepath.Rel(dir, name); err == nil {
		return filepath.ToSlash(relPath)
	}
	return name
}

// printFound prints what was found. Migrations that cannot be read are first: they decide whether to continue.
func printFound(w io.Writer, f *first.Found) {
	for _, u := range f.Unread {
		fmt.Fprintln(w, u)
	}
	head := "migrations"
	for _, m := range f.Migrations {
		summary := m.Framework
		if m.Tool != "" && !strings.EqualFold(m.Tool, m.Framework) {
			summary = m.Tool
		}
		if !m.Renders {
			summary += ", " + prose.CountNoun(m.Migrations, "migration")
		}
		if m.Own != nil {
			summary += fmt.Sprintf("; %s seems to run them: check the proposal for runner: in %s", m.Own.Name, config.Name)
		} else if m.Assumed {
			summary += "; nothing tells how they are sent: transaction: in onward.yaml does"
		}
		fmt.Fprintf(w, "%-12s %s: %s\n", head, escape.Line(dirOrRoot(m.Dir)), escape.Line(summary))
		head = ""
	}
	for _, o := range f.LeftOut {
		head := "left out"
		if o.Failed {
			head = "unclear"
		}
		fmt.Fprintf(w, "%-12s %s: %s; %s\n", head, escape.Line(o.Path), escape.Line(o.What), escape.Line(o.Why))
	}
	if n := len(f.Postgres); n > 0 {
		fmt.Fprintf(w, "%-12s %s: %s\n", "postgres", strings.TrimPrefix(view.FormatVersions(f.Postgres), "Postgres "), escape.Line(f.PostgresBy))
	} else {
		fmt.Fprintf(w, "%-12s no file names a version: all supported ones count\n", "postgres")
	}
	fmt.Fprintf(w, "%-12s %s\n", "base", escape.Line(describeBase(f)))
	if len(f.Linters.Tools) > 0 {
		fmt.Fprintf(w, "%-12s %s\n", "linters", strings.Join(f.Linters.Tools, ", "))
	}
	printLinterSettings(w, "what they are told", f.Linters.Settings)
	printLinterSettings(w, "comments in migrations; no file was changed", f.Linters.Comments)
}

// describeBase names the base, and the reason if it is not the remote's.
func describeBase(f *first.Found) string {
	var reason string
	switch {
	case f.BaseBy != "":
		return f.Base + ": " + f.BaseBy
	case f.BaseIsRemote:
		return f.Base
	case f.Remote != "" && !f.Fetched:
		reason = fmt.Sprintf("nothing of the remote %s was fetched: git fetch %[1]s", f.Remote)
	case f.Base == "":
		reason = "there is no branch main or master; name one with --base"
	case f.Remote != "":
		reason = fmt.Sprintf("no branch main or master of the remote %s was fetched", f.Remote)
	default:
		reason = "there is no remote"
	}
	if f.Base == "" {
		return "none yet: " + reason
	}
	return f.Base + ", as " + reason
}

func dirOrRoot(dir string) string {
	if dir == "" {
		return "."
	}
	return dir
}

// printLinterSettings lists the settings of other linters, and the equivalent settings here.
func printLinterSettings(w io.Writer, head string, list []linters.Entry) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s:\n", head)
	for _, e := range list {
		fmt.Fprintf(w, "  %s  %s\n", escape.Line(e.Place()), escape.Line(e.Theirs))
		switch {
		case e.Ours == "":
			fmt.Fprintf(w, "    no counterpart: %s\n", escape.Line(e.Why))
		case e.Why != "":
			fmt.Fprintf(w, "    here: %s (%s)\n", escape.Line(e.Ours), escape.Line(e.Why))
		default:
			fmt.Fprintf(w, "    here: %s\n", escape.Line(e.Ours))
		}
	}
}

// countErrorsAndWarnings counts the errors and warnings of a report that may be nil.
func countErrorsAndWarnings(r *onward.Report) (n int) {
	if r == nil {
		return 0
	}
	for _, f := range r.Findings {
		if f.Severity >= onward.Warning {
			n++
		}
	}
	return n
}

// explainBaseline explains what a baseline is for, if it would leave something out.
func explainBaseline(w io.Writer, history *onward.Report, dirs []string, stored bool) {
	n := countErrorsAndWarnings(history)
	switch {
	case n == 0:
	case stored:
		fmt.Fprintf(w, "\n%s in the migrations that are there are left out from now on: %s\n", prose.CountNoun(len(history.Findings), "finding"), baselineName)
	default:
		fmt.Fprintf(w, "\n%s in the migrations that are there. onward changelog judges what is new, and does not\n"+
			"say them again; onward check on whole directories does, unless a baseline leaves them out:\n  onward check --write-baseline %s %s\n"+
			"  and in onward.yaml: baseline: %s\n",
			prose.CountNoun(n, "finding"), baselineName, escape.Line(strings.Join(dirs, " ")), baselineName)
	}
}

// writePipelines writes the files that a pipeline consists of, unless they are there, and prints the parts of others.
func writePipelines(w io.Writer, f *first.Found) error {
	b := readBuild()
	ref := b.revision
	if v := releasedAs.FindStringSubmatch(b.Version); v != nil {
		ref = "v" + v[1]
	}
	for _, forge := range f.Forges {
		for _, file := range f.Pipeline(forge, ref) {
			name := filepath.Join(f.Root, filepath.FromSlash(file.Path))
			_, err := os.Lstat(name)
			switch {
			case !file.Whole:
				fmt.Fprintf(w, "\nin %s, %s:\n\n%s\n", forge, file.Path, file.Text)
			case err == nil:
				fmt.Fprintf(w, "kept: %s is there, and is never overwritten\n", relativeToWorkingDir(name))
			default:
				if err := gitrange.CreateFile(f.Root, file.Path, file.Text); err != nil {
					return err
				}
				fmt.Fprintf(w, "written: %s\n", relativeToWorkingDir(name))
			}
		}
	}
	if len(f.Forges) == 0 {
		fmt.Fprintf(w, "\nno workflow was written: %s, and there is neither .github/ nor .gitlab-ci.yml\n"+
			"  in a pipeline, with the whole history: onward changelog --base REVISION\n"+
			"  with a remote on GitHub or GitLab: remove %s, and run onward init again\n\n", describeHost(f), config.Name)
	}
	return nil
}

// describeHost tells what the remote of a repository without a known forge is.
func describeHost(f *first.Found) string {
	switch {
	case f.Remote == "":
		return "there is no remote"
	case f.Host == "":
		return fmt.Sprintf("the remote %s is a directory", escape.Line(f.Remote))
	}
	return fmt.Sprintf("the remote %s is on %s, which is neither GitHub nor GitLab", escape.Line(f.Remote), escape.Line(f.Host))
}
