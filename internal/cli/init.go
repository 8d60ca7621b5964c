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
	"github.com/onward-sql/onward/internal/linters"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/onward"
)

// baselineName is the file that --baseline writes, beside onward.yaml.
const baselineName = "onward.baseline.json"

// begun are the flags of init.
type begun struct{ print, baseline bool }

// first is the command init, a name that Go keeps for itself.
func (a *app) first() *cobra.Command {
	var f begun
	cmd := &cobra.Command{
		Use:   "init",
		Short: "write a commented onward.yaml from what this repository tells",
		Long: `Looks through the repository, asks nothing and runs none of its code: which migrations it
has, which Postgres, which branch is deployed, what other linters were told. Writes onward.yaml
into the repository's root, with what was found set and the rest as comments. On GitHub it
writes two workflows, one that judges a branch and one that comments; for GitLab it prints what
to write into the pipeline.

What squawk, strong_migrations, django-migration-linter and atlas were told is translated;
what has no counterpart is listed with the reason. No migration is changed: which comment
would stand in a migration instead of theirs is listed with its place.

A file that is there is never overwritten: what was found otherwise is said.

Exit code: 0 done, 2 usage or input, an onward.yaml that is there among it, 3 the work could
not be done.`,
		Example: `  onward init
  onward init --print                   to standard output
  onward init --baseline                what is found in today's migrations is left out from now on`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runInit(cmd, f) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVar(&f.print, "print", false, "print onward.yaml, and write nothing")
	flags.BoolVar(&f.baseline, "baseline", false, "write the findings in the migrations that are there to "+baselineName+", and name it in onward.yaml")
	return cmd
}

func (a *app) runInit(cmd *cobra.Command, f begun) error {
	if _, err := a.format(report.FormatTerminal); err != nil {
		return err
	}
	if a.flags.config != "" {
		return usagef("init writes %s into the root of the repository, and takes no --config; --print --output writes elsewhere", config.Name)
	}
	if f.print && f.baseline {
		return usagef("--print writes nothing, and --baseline writes a file: take one of them")
	}
	found, err := first.Look(cmd.Context(), ".")
	if err != nil {
		return err
	}
	if f.print {
		for _, u := range found.Unread {
			a.say("%s", u)
		}
		return a.write(func(w io.Writer) error {
			_, err := io.WriteString(w, found.YAML(""))
			return err
		})
	}
	if err := isThere(found); err != nil {
		return err
	}
	baseline := filepath.Join(found.Root, baselineName)
	if f.baseline && !config.Replaceable(baseline) {
		return usagef("--baseline: %s is there and is no baseline; move it away", baselineName)
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
	if f.baseline && weighty(history) > 0 {
		if err := storeBaseline(baseline, history); err != nil {
			return err
		}
		text, stored = found.YAML(baselineName), true
	}
	name := filepath.Join(found.Root, config.Name)
	if err := create(name, text); err != nil {
		return err
	}
	return a.write(func(w io.Writer) error {
		r := report.Aside{W: w}
		discovered(r, found)
		offered(r, history, dirs, stored)
		if err := writePipelines(r, found); err != nil {
			return err
		}
		fmt.Fprintf(r, "written: %s\nnext: onward changelog\n", seen(name))
		return nil
	})
}

// isThere refuses to go on where an onward.yaml holds already, and says what it would say
// otherwise.
func isThere(found *first.Found) error {
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
		return usagef("%s is there, and is never overwritten; nothing was found that it does not say", seen(file))
	}
	return usagef("%s is there, and is never overwritten; what was found is otherwise:\n%s\nonward init --print prints all of it", seen(file), strings.Join(differs, "\n"))
}

// create writes a file that is not there.
func create(name, text string) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(name), err)
	}
	_, err = file.WriteString(text)
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(name), err)
	}
	return nil
}

// seen is a path as it is seen from the working directory.
func seen(name string) string {
	dir, err := os.Getwd()
	if err != nil {
		return name
	}
	if below, err := filepath.Rel(dir, name); err == nil {
		return filepath.ToSlash(below)
	}
	return name
}

// discovered prints what was found. What is not read stands first: it decides whether to go on.
func discovered(w io.Writer, f *first.Found) {
	for _, u := range f.Unread {
		fmt.Fprintln(w, u)
	}
	head := "migrations"
	for _, m := range f.Migrations {
		what := m.Framework
		if m.Tool != "" && !strings.EqualFold(m.Tool, m.Framework) {
			what = m.Tool
		}
		if !m.Renders {
			what += ", " + report.Count(m.Migrations, "migration")
		}
		if m.Assumed {
			what += "; nothing tells how they are sent: transaction: in onward.yaml does"
		}
		fmt.Fprintf(w, "%-12s %s: %s\n", head, report.Line(orRoot(m.Dir)), report.Line(what))
		head = ""
	}
	for _, o := range f.LeftOut {
		head := "left out"
		if o.Failed {
			head = "unclear"
		}
		fmt.Fprintf(w, "%-12s %s: %s; %s\n", head, report.Line(o.Path), report.Line(o.What), report.Line(o.Why))
	}
	if n := len(f.Postgres); n > 0 {
		fmt.Fprintf(w, "%-12s %s: %s\n", "postgres", strings.TrimPrefix(report.Versions(f.Postgres), "Postgres "), report.Line(f.PostgresBy))
	} else {
		fmt.Fprintf(w, "%-12s no file names a version: all supported ones count\n", "postgres")
	}
	switch {
	case f.Base == "":
		fmt.Fprintf(w, "%-12s none yet: there is no branch main or master; name one with --base\n", "base")
	case f.BaseBy != "":
		fmt.Fprintf(w, "%-12s %s: %s\n", "base", report.Line(f.Base), report.Line(f.BaseBy))
	case !f.Remote:
		fmt.Fprintf(w, "%-12s %s, as there is no remote\n", "base", report.Line(f.Base))
	default:
		fmt.Fprintf(w, "%-12s %s\n", "base", report.Line(f.Base))
	}
	if len(f.Linters.Tools) > 0 {
		fmt.Fprintf(w, "%-12s %s\n", "linters", strings.Join(f.Linters.Tools, ", "))
	}
	entries(w, "what they are told", f.Linters.Settings)
	entries(w, "what stands in migrations; no file was changed", f.Linters.Comments)
}

func orRoot(dir string) string {
	if dir == "" {
		return "."
	}
	return dir
}

// entries lists what other linters were told, and what says the same here.
func entries(w io.Writer, head string, list []linters.Entry) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s:\n", head)
	for _, e := range list {
		fmt.Fprintf(w, "  %s  %s\n", report.Line(e.Place()), report.Line(e.Theirs))
		switch {
		case e.Ours == "":
			fmt.Fprintf(w, "    no counterpart: %s\n", report.Line(e.Why))
		case e.Why != "":
			fmt.Fprintf(w, "    here: %s (%s)\n", report.Line(e.Ours), report.Line(e.Why))
		default:
			fmt.Fprintf(w, "    here: %s\n", report.Line(e.Ours))
		}
	}
}

// weighty counts the errors and warnings of a report that may be nil.
func weighty(r *onward.Report) (n int) {
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

// offered says what a baseline is for, where it would have something.
func offered(w io.Writer, history *onward.Report, dirs []string, stored bool) {
	n := weighty(history)
	switch {
	case n == 0:
	case stored:
		fmt.Fprintf(w, "\n%s in the migrations that are there are left out from now on: %s\n", report.Count(len(history.Findings), "finding"), baselineName)
	default:
		fmt.Fprintf(w, "\n%s in the migrations that are there. onward changelog judges what is new, and does not\nsay them again; onward check on whole directories does, unless a baseline leaves them out:\n  onward check --write-baseline %s %s\n  and in onward.yaml: baseline: %s\n",
			report.Count(n, "finding"), baselineName, report.Line(strings.Join(dirs, " ")), baselineName)
	}
}

// writePipelines writes the files that a pipeline consists of, unless they are there, and prints the parts of others.
func writePipelines(w io.Writer, f *first.Found) error {
	version := ""
	if v := releasedAs.FindStringSubmatch(thisBuild().Version); v != nil {
		version = "v" + v[1]
	}
	for _, forge := range f.Forges {
		for _, file := range f.Pipeline(forge, version) {
			name := filepath.Join(f.Root, filepath.FromSlash(file.Path))
			_, err := os.Lstat(name)
			switch {
			case !file.Whole:
				fmt.Fprintf(w, "\nin %s, %s:\n\n%s\n", forge, file.Path, file.Text)
			case err == nil:
				fmt.Fprintf(w, "kept: %s is there, and is never overwritten\n", seen(name))
			default:
				if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
					return err
				}
				if err := create(name, file.Text); err != nil {
					return err
				}
				fmt.Fprintf(w, "written: %s\n", seen(name))
			}
		}
	}
	if len(f.Forges) == 0 {
		fmt.Fprintf(w, "\nin a pipeline, with the whole history: onward changelog --base REVISION\n\n")
	}
	return nil
}
