package cli

import (
	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/internal/report"
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
		a.code = verifyExitCode(a.code, r)
	}
	return nil
}
