package cli

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/html"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/rehearse"
)

// releaseFlags are the flags that name a release.
type releaseFlags struct {
	auditFlags
	base, head, trust string
	frameworks        []string
	workload          []string
}

func (f *releaseFlags) addReleaseFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.base, "base", "", "the deployed `revision`")
	flags.StringVar(&f.head, "head", "", "the `revision` to be deployed (default: the working tree)")
	addTrustFlag(cmd, &f.trust)
	flags.StringArrayVar(&f.frameworks, "framework", nil, "judge this `directory=framework` only, such as db/migrations=goose; repeatable")
	flags.StringArrayVar(&f.workload, "workload", nil, "`file` with the recorded queries of the deployed code, from onward record; repeatable")
	f.auditFlags.addAuditFlags(cmd)
}

// addTrustFlag adds the flag of the commands that judge a branch.
func addTrustFlag(cmd *cobra.Command, trust *string) {
	cmd.Flags().StringVar(trust, "trust", "head", "whose onward.yaml and named files count: the `head`'s, or the base's, which a branch cannot change")
	completeFlag(cmd, "trust", "head", "base")
}

// releaseConfig reads the flags.
func (a *app) releaseConfig(ctx context.Context, f *releaseFlags) (audit.Config, error) {
	settings, fromBase, err := a.trustedSettings(ctx, f)
	if err != nil {
		return audit.Config{}, err
	}
	frameworks, err := parseFrameworks(f.frameworks)
	if err != nil {
		return audit.Config{}, err
	}
	if len(frameworks) > 0 {
		settings.Migrations = frameworks
	}
	files := f.databaseFlags
	for _, name := range []*string{&files.schema, &files.stats} {
		if *name, err = a.trustedFile(ctx, *name); err != nil {
			return audit.Config{}, err
		}
	}
	deployed, err := a.readDeployed(&files)
	if err != nil {
		return audit.Config{}, err
	}
	for _, name := range f.workload {
		if name, err = a.trustedFile(ctx, name); err != nil {
			return audit.Config{}, err
		}
		deployed.Workload = append(deployed.Workload, name)
	}
	return audit.Config{
		Base: f.base, Head: f.head, Deployed: deployed, Settings: settings, TrustsBase: fromBase, Logger: a.newLogger(),
	}, nil
}

// trustedSettings returns the settings of the head, or of the base, with the flags on top of them.
func (a *app) trustedSettings(ctx context.Context, f *releaseFlags) (settings *config.Config, fromBase bool, err error) {
	switch f.trust {
	case "", "head":
		settings, err = a.readConfigFile()
	case "base":
		if a.baseFiles, err = audit.OpenBaseFiles(ctx, ".", f.base); err != nil {
			return nil, false, err
		}
		settings, err = a.baseFiles.ReadSettings(ctx, a.flags.config)
		if fromBase = settings != nil; err == nil && !fromBase {
			settings, err = a.readConfigFile()
		}
	default:
		return nil, false, newUsageError("--trust %q is not one of head, base", f.trust)
	}
	if err != nil {
		return nil, false, err
	}
	return settings, fromBase, a.applyFlags(settings, &f.auditFlags)
}

// trustedFile returns the path of a file that a flag names: with --trust base, of a copy as the base has it.
func (a *app) trustedFile(ctx context.Context, name string) (string, error) {
	if a.baseFiles == nil {
		return name, nil
	}
	return a.baseFiles.Copy(ctx, name)
}

// rehearsalFlags are the flags of a rehearsal.
type rehearsalFlags struct {
	rows, like, dump, server, maxSize, html string
	scale                                   float64
	most                                    string
	seed                                    uint64
	traffic, down, superuser                bool
	long, limit                             time.Duration
}

func (f *rehearsalFlags) addRehearsalFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.rows, "rows", "", "generate rows: `users=1e6,orders=5e6`, or one number for the tables that the release touches (all=1e4: every table)")
	flags.StringVar(&f.like, "like", "", "generate as many rows as a `file` from onward stats says that production has")
	flags.Float64Var(&f.scale, "scale", 1, "with --like: generate this `part` of them, such as 0.01")
	flags.StringVar(&f.most, "most", "5e6", "with --like: generate at most this `number` of rows for a table")
	flags.Uint64Var(&f.seed, "seed", 1, "the same `number` gives the same rows")
	flags.StringVar(&f.dump, "dump", "", "take schema and rows of the base from a `file` of pg_dump")
	flags.BoolVar(&f.traffic, "traffic", false, "run reads and writes on the tables that the release touches, and see who waits; "+
		"recorded ones, if --workload or onward.yaml names a recording")
	flags.DurationVar(&f.long, "long-transaction", 0, "keep a transaction that has read the tables open for this `time` from the start, such as 5s")
	flags.BoolVar(&f.down, "down", false, "run the down migration of each migration too, and compare the schema with the one before")
	flags.DurationVar(&f.limit, "limit", 0, "end the rehearsal on each server after this `time` (default: 30m, and 5m for each statement)")
	flags.StringVar(&f.maxSize, "max-size", "20GB", "end a statement when the database has grown to this `size`; with empty tables at 1GB at the latest")
	flags.BoolVar(&f.superuser, "superuser", false, "run the migrations as a superuser: they can read files and start programs on this machine")
	flags.StringVar(&f.server, "postgres", "", "`address` of a server to use instead of a throwaway one: databases are made there and dropped; @FILE or env:NAME")
	flags.StringVar(&f.html, "html", "", "write the report as a page to this `file`")
}

// rehearsalConfig reads the flags.
func (a *app) rehearsalConfig(ctx context.Context, f *rehearsalFlags, c audit.Config, pg string) (rehearse.Config, error) {
	out := rehearse.Config{
		Config: c, Traffic: f.traffic, LongTransaction: f.long, Superuser: f.superuser, Down: f.down, Limit: f.limit, Total: f.limit,
	}
	switch {
	case f.limit < 0:
		return out, newUsageError("--limit %v: write a time such as 5m", f.limit)
	case f.long < 0:
		return out, newUsageError("--long-transaction %v: write a time such as 5s", f.long)
	case f.scale <= 0 || math.IsNaN(f.scale) || math.IsInf(f.scale, 0):
		return out, newUsageError("--scale %v: write a part such as 0.01", f.scale)
	}
	if pg != "" {
		out.Majors = c.Settings.Postgres
	}
	var err error
	if f.server != "" {
		if out.Server, err = a.readAddress(f.server); err != nil {
			return out, err
		}
	}
	if out.MaxBytes, err = parseSize(f.maxSize); err != nil {
		return out, newUsageError("--max-size: %v", err)
	}
	if f.dump != "" && (f.rows != "" || f.like != "") {
		return out, newUsageError("--dump brings rows of its own: leave out --rows and --like")
	}
	if f.dump != "" && c.Schema != "" {
		return out, newUsageError("--dump and --schema contradict each other: the schema comes from one file")
	}
	if out.Dump, err = a.trustedFile(ctx, f.dump); err != nil {
		return out, err
	}
	if f.like, err = a.trustedFile(ctx, f.like); err != nil {
		return out, err
	}
	out.Rows, err = f.generatedRows()
	out.Lenient = f.like != ""
	return out, err
}

// generatedRows is which rows to generate.
func (f *rehearsalFlags) generatedRows() (rehearse.Rows, error) {
	p := rehearse.Rows{Seed: f.seed}
	if f.like != "" {
		stats, err := audit.ReadStats(f.like)
		if err != nil {
			return p, err
		}
		most, err := strconv.ParseFloat(f.most, 64)
		if err != nil || most < 1 || most > 1e12 {
			return p, newUsageError("--most %q is no number of rows", f.most)
		}
		p.Rows = fill.ScaleCounts(stats, f.scale, int64(most))
	}
	if f.rows == "" {
		return p, nil
	}
	rows, err := fill.ParseRows(f.rows)
	if err != nil {
		return p, newUsageError("--rows: %v", err)
	}
	if p.Rows == nil {
		p.Rows = map[string]int64{}
	}
	maps.Copy(p.Rows, rows.Rows)
	p.All, p.Touched = rows.All, rows.Touched
	return p, nil
}

// parseSize reads a size in bytes: "500MB", "20GB".
func parseSize(text string) (int64, error) {
	units := []struct {
		name   string
		factor float64
	}{{"KB", 1 << 10}, {"MB", 1 << 20}, {"GB", 1 << 30}, {"TB", 1 << 40}}
	upper := strings.ToUpper(strings.TrimSpace(text))
	for _, u := range units {
		if number, ok := strings.CutSuffix(upper, u.name); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
			if err != nil || n <= 0 || n*u.factor > math.MaxInt64/2 {
				break
			}
			return int64(n * u.factor), nil
		}
	}
	return 0, fmt.Errorf("%q is no size: write 500MB or 20GB", text)
}

func (a *app) newRehearseCommand() *cobra.Command {
	var f struct {
		releaseFlags
		rehearsalFlags
	}
	cmd := &cobra.Command{
		Use:   "rehearse [BASE..HEAD]",
		Short: "run the release on a throwaway Postgres: what it locks, and who waits",
		Long: `Runs the migrations that are new between two revisions on a throwaway Postgres, in their
runner's transactions. It observes what each statement locks and for how long, and what it
rewrites, reads and writes. With --traffic it also observes which queries wait. Onward makes
the starting schema from the deployed migrations, and caches it.

With --workload the traffic consists of the recorded queries of the deployed code. The report
names the queries that waited, and those that a statement makes fail.

Nothing runs on another server. The migrations run as a role that is no superuser, unless you
add --superuser. The server is removed when the command ends. A Django project's settings,
models and migrations are imported, as changelog does.

Exit code: 0 clean; 1 a finding reaches --fail-on; 2 usage or input; 3 the release could not be
rehearsed, or something could not be read.`,
		Example: `  onward rehearse
  onward rehearse --rows users=1e6,orders=5e6 --traffic --long-transaction 5s
  onward rehearse --rows 1e6 --workload workload.json
  onward rehearse --pg 15,17 --html report.html`,
		Args: setRevisionRange,
		RunE: func(cmd *cobra.Command, _ []string) error {
			format, options, err := a.outputOptions(report.Formats()...)
			if err != nil {
				return err
			}
			release, err := a.releaseConfig(cmd.Context(), &f.releaseFlags)
			if err != nil {
				return err
			}
			c, err := a.rehearsalConfig(cmd.Context(), &f.rehearsalFlags, release, f.pg)
			if err != nil {
				return err
			}
			c.Traffic = c.Traffic || len(f.workload) > 0
			r, err := a.runRehearsal(cmd.Context(), c)
			if err != nil {
				return err
			}
			setNextCommand(cmd, r)
			if err := a.writePage(f.html, r); err != nil {
				return err
			}
			return a.finishReport(r, &f.auditFlags, release.Settings, format, options)
		},
	}
	cmd.Flags().SortFlags = false
	f.releaseFlags.addReleaseFlags(cmd)
	f.rehearsalFlags.addRehearsalFlags(cmd)
	cmd.Flags().Lookup("pg").Usage = "rehearse on each of these major `versions`: 17, 14..17 or 14,16 (default: " +
		"the newest in production, else what the repository names, else the newest that onward knows)"
	return cmd
}

// runRehearsal runs a rehearsal, and tells on standard error what it does.
func (a *app) runRehearsal(ctx context.Context, c rehearse.Config) (*onward.Report, error) {
	p := a.newProgress()
	defer p.clearLine()
	if p != nil {
		c.Progress = p.handleEvent
	}
	return rehearse.Run(ctx, c)
}

// writePage writes the report as a page, when a file is named.
func (a *app) writePage(file string, r *onward.Report) error {
	if file == "" {
		return nil
	}
	var b bytes.Buffer
	if err := html.WriteReport(&b, r); err != nil {
		return err
	}
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		return &config.InputError{Err: fmt.Errorf("write the page: %w", err)}
	}
	return nil
}
