package cli

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/machine"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/preflight"
)

// preflightFlags are the flags of onward preflight.
type preflightFlags struct {
	auditFlags
	base, head string
	trust      string
	frameworks []string
	tls        []string
	alone      bool
}

func (f *preflightFlags) addPreflightFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.db, "db", "", "`address` of the database, @FILE or env:NAME that hold it; nothing is changed there")
	flags.StringArrayVar(&f.tls, "tls", nil, "look at the certificate of this `host:port` too; repeatable")
	flags.BoolVar(&f.alone, "alone", false, "ask the server only, and read no repository")
	flags.StringVar(&f.base, "base", "", "the deployed `revision`, for the tables that a release touches")
	flags.StringVar(&f.head, "head", "", "the `revision` to be deployed (default: the working tree)")
	addTrustFlag(cmd, &f.trust)
	flags.StringArrayVar(&f.frameworks, "framework", nil, "read this `directory=framework` only, such as db/migrations=goose; repeatable")
	flags.StringVar(&f.failOn, "fail-on", "", "severity that makes the exit code 1: error, warning, info or never (default error)")
	completeFlag(cmd, "fail-on", "error", "warning", "info", "never")
}

func (a *app) newPreflightCommand() *cobra.Command {
	var f preflightFlags
	cmd := &cobra.Command{
		Use:   "preflight --db ADDRESS [BASE..HEAD]",
		Short: "check whether a database is ready for a migration",
		Long: `Asks a running database what could disturb a migration: certificates that expire, a pooler in
between, a failing archiver, replicas and slots that lag, transactions that hold locks, remains
of earlier migrations, free space, and dangerous settings. Each finding says what to do.

It needs no repository. In a repository, or with --base and --head, it looks more closely at the
tables that the release touches. It changes nothing: it asks in one read-only transaction with
short timeouts. What the role may not see is listed, and never counts as fine; a member of
pg_monitor sees everything.

preflight: in onward.yaml sets the limit at which each check warns, and adds queries for facts
that the server does not report, such as its free disk space. --format prometheus is for cron.

Exit code: 0 clean, 1 a finding reaches --fail-on, 2 usage or input, 3 the database cannot be
reached.`,
		Example: `  onward preflight --db env:DATABASE_URL
  onward preflight --db @/run/secrets/url --tls db.example.com:5432 --format json
  onward preflight --db env:DATABASE_URL --alone --format prometheus -o /var/lib/node_exporter/onward.prom`,
		Args: setRevisionRange,
		RunE: func(cmd *cobra.Command, _ []string) error {
			format, options, err := a.outputOptions(report.PreflightFormats()...)
			if err != nil {
				return err
			}
			c, err := a.preflightConfig(cmd.Context(), &f)
			if err != nil {
				return err
			}
			r, err := preflight.Run(cmd.Context(), c)
			var down *audit.ServerError
			if errors.As(err, &down) && format == report.FormatPrometheus {
				err = errors.Join(err, a.writeResult(machine.WriteServerDown))
			}
			if err != nil {
				return err
			}
			if err := a.writeResult(func(w io.Writer) error { return report.WritePreflight(w, format, r, options) }); err != nil {
				return err
			}
			a.code = preflightExitCode(r, c.Settings.FailOn)
			return nil
		},
	}
	cmd.Flags().SortFlags = false
	f.addPreflightFlags(cmd)
	return cmd
}

// preflightConfig reads the flags.
func (a *app) preflightConfig(ctx context.Context, f *preflightFlags) (preflight.Config, error) {
	c := preflight.Config{Alone: f.alone, TLS: f.tls}
	if f.db == "" {
		return c, errNoDB
	}
	if f.alone && (f.base != "" || f.head != "" || len(f.frameworks) > 0) {
		return c, newUsageError("--alone reads no repository: leave out --base, --head and --framework")
	}
	release, err := a.releaseConfig(ctx, &releaseFlags{auditFlags: f.auditFlags, base: f.base, head: f.head, trust: f.trust, frameworks: f.frameworks})
	c.Config = release
	return c, err
}

// preflightExitCode returns the exit code for the findings.
func preflightExitCode(r *onward.Preflight, failOn config.Threshold) int {
	for i := range r.Findings {
		if failOn.Reached(r.Findings[i].Severity) {
			return exitFindings
		}
	}
	return exitClean
}
