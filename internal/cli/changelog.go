package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/verdict"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
	"github.com/onward-sql/onward/verify"
)

// changes are the flags of changelog.
type changes struct {
	releaseFlags
	fixFlags
	codeFlags
	rehearse bool
	with     []string
	html     string
}

func (a *app) newChangelogCommand() *cobra.Command {
	var f changes
	cmd := &cobra.Command{
		Use:   "changelog [BASE..HEAD]",
		Short: "what this branch does to the database, and whether the deploy survives it",
		Long: `Reports the migrations that are new between two revisions, in the order in which they run:
what each changes, what each statement locks and for how long, what breaks or waits, and
whether the release is safe to deploy.

The base is the deployed revision: --base, else base: in onward.yaml, else the remote's
default branch, else main or master. The head is --head, else the working tree with its
uncommitted files. BASE..HEAD sets both. If the base has commits that the head lacks, the
release is judged as after a merge, and the report says how far the base is ahead.

No code of the repository runs, except in a Django project: onward imports its settings, models
and migrations at both revisions, as manage.py check does. The commands that render: and
capture: in the base's onward.yaml name run, too. For a stranger's branch, run onward
where you would run the branch's tests, without secrets. --framework db/migrations=sql judges
only that directory of SQL files, and runs nothing.

--fix rewrites migrations that the base does not have. If one safe statement replaces a
statement, the file is edited. Otherwise the file and all later ones become the files of onward
plan --write. A statement without a safe form is kept and listed.

--with proves the release on a throwaway Postgres, too, for one report, one verdict and one
exit code: rehearse runs it, as onward rehearse does; verify asks which queries of the code
still work, as onward verify does; replay also executes what onward record --values recorded.

Exit code: 0 clean, 1 a finding reaches --fail-on, 2 usage or input, 3 something could not be
read, so there is no verdict on it.`,
		Example: `  onward changelog
  onward changelog v1.4..v1.5
  onward changelog --base v1.4 --head v1.5
  onward changelog --fix --diff
  onward changelog --with rehearse,verify
  onward changelog --format markdown --output comment.md`,
		Args: setRevisionRange,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runChangelog(cmd, &f) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	f.releaseFlags.addReleaseFlags(cmd)
	f.fixFlags.addFixFlags(flags)
	flags.StringSliceVar(&f.with, "with", nil, "prove the release on a throwaway Postgres, too: `rehearse`, verify, replay, or several")
	completeFlag(cmd, "with", proofNames...)
	flags.BoolVar(&f.rehearse, "rehearse", false, "the same as --with rehearse; onward rehearse has rows and traffic")
	f.codeFlags.addCodeFlags(flags)
	flags.StringVar(&f.html, "html", "", "write the report as a page to this `file`")
	return cmd
}

func (a *app) runChangelog(cmd *cobra.Command, f *changes) error {
	format, options, err := a.outputOptions(report.Formats()...)
	if err != nil {
		return err
	}
	release, err := a.releaseConfig(cmd.Context(), &f.releaseFlags)
	if err != nil {
		return err
	}
	if done, err := a.fixMigrations(cmd.Context(), &f.fixFlags, release, nil); done || err != nil {
		return err
	}
	proofs, err := f.readProofs()
	if err != nil {
		return err
	}
	c := verify.Config{Config: rehearse.Config{Config: release}}
	if proofs[proofVerify] {
		if err := f.readCodes(&c, release.Recordings(), proofs[proofReplay]); err != nil {
			return err
		}
	}
	r, err := a.proveRelease(cmd.Context(), c, proofs, format != report.FormatTerminal || options.Verbose || f.html != "")
	if err != nil {
		return err
	}
	options.Proof = true
	setNextCommand(cmd, r)
	if err := a.writePage(f.html, r); err != nil {
		return err
	}
	if err := a.finishReport(r, &f.auditFlags, release.Settings, format, options); err != nil {
		return err
	}
	if a.code == exitClean {
		a.code = verdict.QueriesExitCode(a.code, r)
	}
	return nil
}

// The values of changelog --with.
const (
	proofRehearse = "rehearse"
	proofVerify   = "verify"
	proofReplay   = "replay"
)

var proofNames = []string{proofRehearse, proofVerify, proofReplay}

// readProofs returns the proofs that the flags ask for. A replay is a part of verifying.
func (f *changes) readProofs() (map[string]bool, error) {
	proofs := map[string]bool{proofRehearse: f.rehearse}
	for _, name := range f.with {
		if !slices.Contains(proofNames, name) {
			return nil, newUsageError("--with %q is not one of %s", name, strings.Join(proofNames, ", "))
		}
		proofs[name] = true
	}
	proofs[proofVerify] = proofs[proofVerify] || proofs[proofReplay]
	switch {
	case !proofs[proofVerify] && len(f.fresh)+len(f.also) > 0:
		return nil, newUsageError("--workload-head and --also are for --with verify")
	case !proofs[proofReplay] && (f.identity != "" || f.showValues):
		return nil, newUsageError("--values-identity and --show-values are for --with replay")
	}
	return proofs, nil
}

// proveRelease judges a release, and proves it on a server as far as that is asked for.
func (a *app) proveRelease(ctx context.Context, c verify.Config, proofs map[string]bool, starts bool) (*onward.Report, error) {
	release, err := audit.Read(ctx, c.Config.Config)
	if err != nil {
		return nil, err
	}
	defer release.Close()
	r, err := plan.ChangelogOf(ctx, release, starts)
	if err != nil {
		return nil, err
	}
	p := a.newProgress()
	defer p.clearLine()
	if p != nil {
		c.Progress = p.handleEvent
	}
	if proofs[proofRehearse] {
		if err := rehearse.RunRelease(ctx, c.Config, release, r); err != nil {
			return nil, err
		}
	}
	if proofs[proofVerify] && len(r.Migrations) > 0 {
		if err := verify.RunRelease(ctx, c, release, r); err != nil {
			return nil, err
		}
	}
	return r, nil
}

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

// setRevisionRange takes BASE..HEAD or BASE...HEAD, as git has them, for --base and --head. Both mean
// the same: the head is judged as after a merge into the base. A side that is left out keeps its default,
// but the head is then what is committed.
func setRevisionRange(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return checkArguments(0, 1, "at most one range of revisions")(cmd, args)
	}
	base, head, ok := strings.Cut(args[0], "..")
	if !ok {
		return newUsageError("%s takes no arguments but a range such as v1.4..v1.5, so %q is too much; see %s --help", cmd.CommandPath(), args[0], cmd.CommandPath())
	}
	flags := cmd.Flags()
	if flags.Changed("base") || flags.Changed("head") {
		return newUsageError("%q has the base and the head; leave out --base and --head", args[0])
	}
	head = cmp.Or(strings.TrimPrefix(head, "."), "HEAD")
	if base != "" {
		if err := flags.Set("base", base); err != nil {
			return err
		}
	}
	return flags.Set("head", head)
}
