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

// database are the flags that say what is known of the deployed database.
type database struct{ schema, db, stats string }

func (f *database) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.schema, "schema", "", "`file` with the deployed schema, from pg_dump --schema-only")
	flags.StringVar(&f.db, "db", "", "`address` of a database to read schema and sizes from, @FILE or env:NAME that hold it; nothing is changed there")
	flags.StringVar(&f.stats, "stats", "", "`file` with the sizes of tables, from onward stats")
}

// deployed reads the flags.
func (a *app) deployed(f *database) (audit.Deployed, error) {
	d := audit.Deployed{Schema: f.schema, Stats: f.stats}
	if f.db == "" {
		return d, nil
	}
	if f.schema != "" {
		return d, usagef("--schema and --db contradict each other: the schema comes from a file or from a server")
	}
	var err error
	d.DB, err = a.address(f.db)
	return d, err
}

// maxAddress bounds the file of an address.
const maxAddress = 64 << 10

// address is the address of a database: the text itself, or what a file or a
// variable of the environment holds, so that a password is in no list of
// processes. No error quotes it.
func (a *app) address(text string) (string, error) {
	if strings.TrimSpace(text) == "" {
		return "", usagef("the database's address is empty: write postgres://USER@HOST/DATABASE, @FILE or env:NAME")
	}
	return a.secret("the database's address", text)
}

// secret is a text that nobody is to see, as it was given or from where it is kept; what says what it is.
func (a *app) secret(what, text string) (string, error) {
	if name, ok := strings.CutPrefix(text, "env:"); ok {
		if value := strings.TrimSpace(a.env(name)); value != "" {
			return value, nil
		}
		return "", usagef("%s: %s is not set in the environment", what, name)
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
		return "", &config.InputError{Err: fmt.Errorf("read %s: %w", what, err)}
	}
	line := strings.TrimSpace(string(data))
	if line == "" {
		return "", usagef("%s: %s is empty", what, name)
	}
	return line, nil
}
