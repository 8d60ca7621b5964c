package realrunners

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
)

// upAsDiesel sends as Diesel does: each up.sql that it did not send before as one message, in a transaction
// unless its metadata.toml says otherwise. Diesel itself is a program to be built, and is not run here.
func upAsDiesel(t *testing.T) func(dir, url string) error {
	t.Helper()
	ran := map[string]bool{}
	return func(dir, url string) error {
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(context.Background()) }()
		files, err := filepath.Glob(filepath.Join(dir, "*/up.sql"))
		for _, f := range files {
			up, err := os.ReadFile(f)
			if err != nil {
				return err
			}
			if ran[f] {
				continue
			}
			ran[f] = true
			text := string(up)
			if settings, err := os.ReadFile(filepath.Join(filepath.Dir(f), "metadata.toml")); err != nil || string(settings) != "run_in_transaction = false\n" {
				text = "BEGIN;" + text + ";COMMIT"
			}
			if _, err := conn.PgConn().Exec(t.Context(), text).ReadAll(); err != nil {
				return errors.New(f + ": " + err.Error())
			}
		}
		return err
	}
}
