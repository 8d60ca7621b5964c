package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/verdict"
	"github.com/onward-sql/onward/onward"
)

// auditFlags are the flags of the commands that judge migrations.
type auditFlags struct {
	databaseFlags
	pg, failOn, baseline string
}

func (f *auditFlags) addAuditFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.databaseFlags.addDatabaseFlags(cmd)
	flags.StringVar(&f.pg, "pg", "", "major `versions` of Postgres in production: 17, 14..17 or 14,16")
	flags.StringVar(&f.failOn, "fail-on", "", "severity that makes the exit code 1: error, warning, info or never (default error)")
	flags.StringVar(&f.baseline, "write-baseline", "", "write the findings to a `file` that onward.yaml can name as baseline")
	completeFlag(cmd, "fail-on", "error", "warning", "info", "never")
}

// auditConfig reads onward.yaml and puts the flags on top of it.
func (a *app) auditConfig(f *auditFlags) (*config.Config, error) {
	c, err := a.readConfigFile()
	if err != nil {
		return nil, err
	}
	return c, a.applyFlags(c, f)
}

// applyFlags puts the flags on top of settings.
func (a *app) applyFlags(c *config.Config, f *auditFlags) (err error) {
	if f.pg != "" {
		if c.Postgres, err = config.ParseVersions(f.pg); err != nil {
			return newUsageError("--pg: %v", err)
		}
	}
	if f.failOn != "" {
		threshold, ok := config.ParseThreshold(f.failOn)
		if !ok {
			return newUsageError("--fail-on %q is not one of error, warning, info, never", f.failOn)
		}
		c.FailOn = threshold
	}
	if f.baseline != "" {
		if !config.Replaceable(f.baseline) {
			return newUsageError("--write-baseline %s: the file is there and is no baseline; name another one", f.baseline)
		}
		// The new baseline holds what the old one hides, too.
		c.Baseline = ""
	}
	return nil
}

func (a *app) readConfigFile() (*config.Config, error) {
	if a.flags.config != "" {
		return config.LoadFile(a.flags.config, audit.Names())
	}
	return config.Load(".", audit.Names())
}

// parseFrameworks reads --framework DIR=NAME: directories that are seen from the
// working directory.
func parseFrameworks(flags []string) ([]config.Migrations, error) {
	var out []config.Migrations
	names := audit.Names().Frameworks
	for _, f := range flags {
		dir, name, ok := strings.Cut(f, "=")
		if !ok {
			return nil, newUsageError("--framework %q: write DIRECTORY=FRAMEWORK, such as db/migrations=goose", f)
		}
		if err := checkFramework(name, names); err != nil {
			return nil, err
		}
		dir = path.Join(workingDir(), filepath.ToSlash(dir))
		if dir == ".." || strings.HasPrefix(dir, "../") || filepath.IsAbs(dir) {
			return nil, newUsageError("--framework %q: the directory is not in this repository", f)
		}
		out = append(out, config.Migrations{Dir: dir, Framework: name})
	}
	return out, nil
}

func checkFramework(name string, names []string) error {
	if slices.Contains(names, name) {
		return nil
	}
	if suggestion := config.Nearest(name, names); suggestion != "" {
		return newUsageError("--framework: unknown framework %q: did you mean %s?", name, suggestion)
	}
	return newUsageError("--framework: unknown framework %q: there is %s", name, strings.Join(names, ", "))
}

// finishReport prints a report, writes the baseline if one is wanted, and sets the
// exit code.
func (a *app) finishReport(r *onward.Report, f *auditFlags, c *config.Config, format report.Format, o report.Options) error {
	return a.finishReportAfter(func(io.Writer) error { return nil }, r, f, c, format, o)
}

// finishReportAfter is finishReport, and prints something first.
func (a *app) finishReportAfter(
	printFirst func(io.Writer) error, r *onward.Report, f *auditFlags, c *config.Config, format report.Format, o report.Options,
) error {
	if f.baseline != "" {
		if err := a.writeBaseline(f.baseline, r); err != nil {
			return err
		}
	}
	if err := a.writeResult(func(w io.Writer) error { return errors.Join(printFirst(w), report.Write(w, format, r, o)) }); err != nil {
		return err
	}
	a.code = verdict.ExitCode(r, c.FailOn)
	if f.baseline != "" && a.code == exitFindings {
		a.code = exitClean // they are in the baseline now
	}
	return nil
}

func (a *app) writeBaseline(name string, r *onward.Report) error {
	if err := storeBaseline(name, r); err != nil {
		return err
	}
	a.printNote("%s written to %s; name it in %s as baseline: %s", prose.CountNoun(len(r.Findings), "finding"), name, config.Name, name)
	return nil
}

// storeBaseline writes the findings of a report to a file.
func storeBaseline(name string, r *onward.Report) error {
	file, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("write the baseline: %w", err)
	}
	if err := config.NewBaseline(r.Findings).Write(file); err != nil {
		file.Close()
		return fmt.Errorf("write the baseline: %w", err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("write the baseline: %w", err)
	}
	return nil
}

// databaseFlags are the flags that say where to read the deployed database.
type databaseFlags struct{ schema, db, stats string }

func (f *databaseFlags) addDatabaseFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.schema, "schema", "", "`file` with the deployed schema, from pg_dump --schema-only")
	flags.StringVar(&f.db, "db", "", "`address` of a database to read schema and sizes from, @FILE or env:NAME that hold it; nothing is changed there")
	flags.StringVar(&f.stats, "stats", "", "`file` with the sizes of tables, from onward stats")
}

// readDeployed returns the files and the address that the flags name, and refuses --schema with --db.
func (a *app) readDeployed(f *databaseFlags) (audit.Deployed, error) {
	d := audit.Deployed{Schema: f.schema, Stats: f.stats}
	if f.db == "" {
		return d, nil
	}
	if f.schema != "" {
		return d, newUsageError("--schema and --db contradict each other: the schema comes from a file or from a server")
	}
	var err error
	d.DB, err = a.readAddress(f.db)
	return d, err
}

// maxAddress bounds the file of an address.
const maxAddress = 64 << 10

// readAddress returns the address of a database: the text itself, or the content of a file or an
// environment variable, so that a password is in no list of processes. No error quotes it.
func (a *app) readAddress(text string) (string, error) {
	if strings.TrimSpace(text) == "" {
		return "", newUsageError("the database's address is empty: write postgres://USER@HOST/DATABASE, @FILE or env:NAME")
	}
	return a.readSecret("the database's address", text)
}

// readSecret returns a confidential text, given directly or by the place that stores it; label says what it
// is.
func (a *app) readSecret(label, text string) (string, error) {
	if name, ok := strings.CutPrefix(text, "env:"); ok {
		if value := strings.TrimSpace(a.env(name)); value != "" {
			return value, nil
		}
		return "", newUsageError("%s: %s is not set in the environment", label, name)
	}
	name, ok := strings.CutPrefix(text, "@")
	if !ok {
		return text, nil
	}
	info, err := os.Stat(name)
	if err == nil && info.Size() > maxAddress {
		err = errors.New("is too large to be an address")
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(name)
	}
	if err != nil {
		return "", &config.InputError{Err: fmt.Errorf("read %s: %w", label, err)}
	}
	line := strings.TrimSpace(string(data))
	if line == "" {
		return "", newUsageError("%s: %s is empty", label, name)
	}
	return line, nil
}
