package realrunners

import (
	"errors"
	"os/exec"
	"path/filepath"
	"testing"
)

func upDiesel(t *testing.T) func(dir, url string) error {
	t.Helper()
	program := filepath.Join(installed(t, "rust"), "bin", "diesel")
	return func(dir, url string) error {
		cmd := exec.CommandContext(t.Context(), program, "migration", "run", "--migration-dir", dir, "--database-url", url)
		cmd.Dir = filepath.Dir(dir)
		return said(cmd)
	}
}

func upFlyway(t *testing.T) func(dir, url string) error {
	t.Helper()
	run := java(t, "flyway")
	return func(dir, url string) error {
		if failed := run([][2]string{{dir, url}}); failed[0] != "" {
			return errors.New(failed[0])
		}
		return nil
	}
}
