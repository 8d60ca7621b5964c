package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/first"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/machine"
	"github.com/onward-sql/onward/plan"
)

// captureTime is how long a capture may go on after an interrupt: it ends the command and its server.
const captureTime = 30 * time.Second

// captureFlags are the flags of onward capture.
type captureFlags struct {
	releaseFlags
	dir, schema string
	variables   []string
	sandbox     config.Sandbox
	limit       time.Duration
}

func (f *captureFlags) addCaptureFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.dir, "dir", "", "`directory` of the migrations (default: the one in onward.yaml, or the detected one)")
	flags.StringVar(&f.schema, "base-schema", "", "make the base's schema by this `command or file` of pg_dump, or by db (the database of --db), "+
		"instead of replaying the history")
	flags.StringArrayVar(&f.variables, "env", nil, "`NAME=value` for the command; {url}, {host}, {port}, {user}, {password} and {database} are replaced; "+
		"repeatable")
	flags.BoolVar(&f.sandbox.Require, "require-sandbox", false, "refuse a machine that confines the command only in part")
	flags.BoolVar(&f.sandbox.Network, "network", false, "let the command use the network, and not only its database")
	flags.StringArrayVar(&f.sandbox.Read, "read", nil, "let the command read this `file or directory` of yours, too; repeatable")
	flags.StringArrayVar(&f.sandbox.Write, "write", nil, "let the command write in this `directory` of yours, too; repeatable")
	flags.DurationVar(&f.limit, "limit", 5*time.Minute, "end the command after this `time`, on each revision")
	f.addReleaseFlags(cmd)
}

func (a *app) newCaptureCommand() *cobra.Command {
	var f captureFlags
	cmd := &cobra.Command{
		Use:   "capture -- COMMAND [ARGUMENT]…",
		Short: "what your migration tool's own command sends, and whether the deploy survives it",
		Long: `Runs your own migrate command against a throwaway Postgres: first with the files of the base,
then with those of the head. It prints each statement that the head sends after the base, with
its migration and its transaction, and judges them as onward changelog does. It is for tools
whose SQL is in no file: Rails, Ecto, TypeORM, Knex, Sequelize, EF Core, Laravel, Alembic, and a
team's own runner.

The command finds the database by DATABASE_URL, PGHOST, PGPORT, PGUSER, PGPASSWORD and
PGDATABASE. It runs in the current directory of a copy of the files, with few variables of your
environment (ONWARD_PASS_ENV lists more) and without input. It is in a sandbox: it reaches its
database, and no network, home directory or other process. Before the head runs, empty tables
get a few generated rows, so that a loop over rows sends something.

capture: in onward.yaml does the same for onward changelog, rehearse and plan.

Exit code: 0 clean, 1 a finding reaches --fail-on, 2 usage or input, 3 the command failed, or
something could not be read.`,
		Example: `  onward capture -- npx knex migrate:latest
  onward capture --base v1.4 -- bin/rails db:migrate
  onward capture --env 'SQLALCHEMY_URL={url}' -- .venv/bin/alembic upgrade head
  onward capture --base-schema db/structure.sql -- ./migrate.sh
  onward capture --base-schema db --db env:DATABASE_URL -- npx typeorm migration:run`,
		Args: requireCommand("onward capture -- npx knex migrate:latest"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.runCapture(cmd, &f, args) },
	}
	cmd.Flags().SortFlags = false
	f.addCaptureFlags(cmd)
	return cmd
}

func (a *app) runCapture(cmd *cobra.Command, f *captureFlags, command []string) error {
	format, options, err := a.outputOptions(report.Formats()...)
	if err != nil {
		return err
	}
	release, err := a.captureConfig(cmd.Context(), f, command)
	if err != nil {
		return err
	}
	a.patience.Store(int64(captureTime))
	r, err := plan.Changelog(cmd.Context(), release, format != report.FormatTerminal || options.Verbose)
	if err != nil {
		return err
	}
	printSent := func(w io.Writer) error {
		if format != report.FormatTerminal || a.flags.quiet {
			return nil
		}
		return machine.WriteSent(w, r)
	}
	return a.finishReportAfter(printSent, r, &f.auditFlags, release.Settings, format, options)
}

// captureConfig reads the flags. The user named the command, so it runs whatever the base's onward.yaml says.
func (a *app) captureConfig(ctx context.Context, f *captureFlags, command []string) (audit.Config, error) {
	release, err := a.releaseConfig(ctx, &f.releaseFlags)
	if err != nil {
		return release, err
	}
	if f.limit <= 0 {
		return release, newUsageError("--limit %v: write a time such as 5m", f.limit)
	}
	for _, v := range f.variables {
		if name, _, ok := strings.Cut(v, "="); !ok || name == "" {
			return release, newUsageError("--env %q: write NAME=value", v)
		}
	}
	m, err := captureDirectory(ctx, f, release.Settings)
	if err != nil {
		return release, err
	}
	m.Render, m.Capture, m.CaptureBase, m.CaptureDir = "", quoteCommand(command), f.schema, workingDir()
	m.Environment = append(m.Environment, f.variables...)
	m.RenderTimeout = config.Timeout(f.limit.Milliseconds())
	m.Sandbox.Require = m.Sandbox.Require || f.sandbox.Require
	m.Sandbox.Network = m.Sandbox.Network || f.sandbox.Network
	m.Sandbox.Read, m.Sandbox.Write = slices.Concat(m.Sandbox.Read, f.sandbox.Read), slices.Concat(m.Sandbox.Write, f.sandbox.Write)
	settings := *release.Settings
	settings.Migrations, settings.Named = []config.Migrations{m}, true
	release.Settings = &settings
	return release, nil
}

// captureDirectory returns the entry of the directory of migrations: the one that is named, else the only one of
// onward.yaml, else the only one that is detected.
func captureDirectory(ctx context.Context, f *captureFlags, settings *config.Config) (config.Migrations, error) {
	if f.dir != "" {
		dir := path.Join(workingDir(), filepath.ToSlash(f.dir))
		if dir == ".." || strings.HasPrefix(dir, "../") || filepath.IsAbs(f.dir) {
			return config.Migrations{}, newUsageError("--dir %q: the directory is not in this repository", f.dir)
		}
		for _, m := range settings.Migrations {
			if path.Clean(m.Dir) == dir {
				return m, nil
			}
		}
		return config.Migrations{Dir: dir}, nil
	}
	found := settings.Migrations
	if len(found) == 0 {
		repository, err := first.ReadRepository(ctx, ".")
		if err != nil {
			return config.Migrations{}, fmt.Errorf("%w; --dir names the directory of the migrations", err)
		}
		for _, d := range repository.Migrations {
			found = append(found, config.Migrations{Dir: cmp.Or(d.Dir, "."), Framework: d.Framework})
		}
		for _, u := range repository.Unread {
			found = append(found, config.Migrations{Dir: u.Dir})
		}
	}
	if len(found) != 1 {
		var names []string
		for _, m := range found {
			names = append(names, m.Dir)
		}
		return config.Migrations{}, newUsageError("--dir is missing: the migrations are in one of %s", joinNames(names))
	}
	return found[0], nil
}

// quoteCommand returns the text that capture: in onward.yaml would have for a command.
func quoteCommand(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
	}
	return strings.Join(out, " ")
}
