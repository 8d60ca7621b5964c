package cli

import (
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/preflight"
)

// flown are the flags of onward preflight.
type flown struct {
	audited
	base, head string
	frameworks []string
	tls        []string
	alone      bool
}

func (f *flown) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.db, "db", "", "`address` of the database, @FILE or env:NAME that hold it; nothing is changed there")
	flags.StringArrayVar(&f.tls, "tls", nil, "look at the certificate of this `host:port` too; repeatable")
	flags.BoolVar(&f.alone, "alone", false, "ask the server only, and read no repository")
	flags.StringVar(&f.base, "base", "", "the deployed `revision`, for the tables that a release touches")
	flags.StringVar(&f.head, "head", "", "the `revision` to be deployed (default: the working tree)")
	flags.StringArrayVar(&f.frameworks, "framework", nil, "read this `directory=framework` only, such as db/migrations=goose; repeatable")
	flags.StringVar(&f.failOn, "fail-on", "", "severity that makes the exit code 1: error, warning, info or never (default error)")
	complete(cmd, "fail-on", "error", "warning", "info", "never")
}

func (a *app) preflight() *cobra.Command {
	var f flown
	cmd := &cobra.Command{
		Use:   "preflight --db ADDRESS",
		Short: "is this database fit to be migrated now?",
		Long: `Asks a running database what would get in the way of a migration: certificates that
expire, a pooler in between, an archiver that fails, replicas and slots that are
behind, transactions that hold locks, what earlier migrations left behind, how much
room there is, and settings that bite. Each finding says what to do.

It needs no repository. In one, or with --base and --head, it knows which tables the
release touches, and looks at those more closely. Nothing is changed: one read-only
transaction asks, with short timeouts. What the role may not see is listed, and never
taken as fine; pg_monitor shows it all.

preflight: in onward.yaml sets where a check begins to warn, and names queries for what
a server does not tell, such as its free disk. --format prometheus is for cron.

Exit code: 0 clean, 1 a finding reaches --fail-on, 2 usage or input, 3 the database
cannot be reached.`,
		Example: `  onward preflight --db env:DATABASE_URL
  onward preflight --db @/run/secrets/url --tls db.example.com:5432 --format json
  onward preflight --db env:DATABASE_URL --alone --format prometheus -o /var/lib/node_exporter/onward.prom`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			format, options, err := a.printing(report.PreflightFormats()...)
			if err != nil {
				return err
			}
			c, err := a.flight(&f)
			if err != nil {
				return err
			}
			r, err := preflight.Run(cmd.Context(), c)
			var down *audit.ServerError
			if errors.As(err, &down) && format == report.FormatPrometheus {
				err = errors.Join(err, a.write(report.PreflightDown))
			}
			if err != nil {
				return err
			}
			if err := a.write(func(w io.Writer) error { return report.WritePreflight(w, format, r, options) }); err != nil {
				return err
			}
			a.code = fitness(r, c.Settings.FailOn)
			return nil
		},
	}
	cmd.Flags().SortFlags = false
	f.register(cmd)
	return cmd
}

// flight reads the flags.
func (a *app) flight(f *flown) (preflight.Config, error) {
	c := preflight.Config{Alone: f.alone, TLS: f.tls}
	if f.db == "" {
		return c, errNoDB
	}
	if f.alone && (f.base != "" || f.head != "" || len(f.frameworks) > 0) {
		return c, usagef("--alone reads no repository: leave out --base, --head and --framework")
	}
	release, err := a.release(&released{audited: f.audited, base: f.base, head: f.head, frameworks: f.frameworks})
	c.Config = release
	return c, err
}

// fitness is the exit code for what was found.
func fitness(r *onward.Preflight, failOn config.Threshold) int {
	for i := range r.Findings {
		if failOn.Reached(r.Findings[i].Severity) {
			return exitFindings
		}
	}
	return exitClean
}
