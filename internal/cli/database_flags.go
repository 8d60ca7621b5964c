package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
)

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
