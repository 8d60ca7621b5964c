package pgserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
)

// StartStandby starts a hot standby of a running throwaway server: a copy of its cluster, which replays the primary's WAL by
// streaming. cfg's Settings override the primary's; its Major, Bin and URL have no effect. Nobody may drop anything on the
// primary while it is copied. The caller must stop the primary separately; the standby goes on without it. A standby has no
// restrictions, because it connects to its primary: it is for tests. The errors are the same as for [Start].
func StartStandby(ctx context.Context, cfg Config, primary *Server) (*Server, error) {
	if primary.external != nil {
		return nil, errors.New("a server that somebody else runs cannot be copied: its files are not at hand")
	}
	cfg.Bin, cfg.Major, cfg.URL, cfg.Unconfined = primary.install.Bin, primary.install.Major, "", true
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	settings := maps.Clone(primary.cfg.Settings)
	if settings == nil {
		settings = map[string]string{}
	}
	maps.Copy(settings, cfg.Settings)
	settings["primary_conninfo"] = fmt.Sprintf("host=%s port=%s user=postgres application_name=standby", primary.private.sockets, socketPort)
	cfg.Settings = settings
	ctx, cancel := withStartTimeout(ctx)
	defer cancel()
	c, err := resolveConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	begin, end := "SELECT pg_backup_start('standby', true)", "SELECT labelfile FROM pg_backup_stop(false)"
	if primary.Major() < 15 {
		begin, end = "SELECT pg_start_backup('standby', true, false)", "SELECT labelfile FROM pg_stop_backup(false, false)"
	}
	conn, err := primary.Connect(ctx, "postgres", "postgres")
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // an unfinished backup ends with it
	if _, err := conn.Exec(ctx, begin); err != nil {
		return nil, fmt.Errorf("begin to copy the primary: %w", err)
	}
	c.base = primary.dataDir()
	c.afterCopy = func(data string) error {
		var label string
		if err := conn.QueryRow(ctx, end).Scan(&label); err != nil {
			return fmt.Errorf("copy the primary: %w", err)
		}
		return c.makeStandby(data, label)
	}
	return c.startWithRetry(ctx)
}

// makeStandby turns the copy of a running cluster into a standby's.
func (c *resolvedConfig) makeStandby(data, label string) error {
	for _, name := range []string{"postmaster.pid", "postmaster.opts"} {
		if err := os.Remove(filepath.Join(data, name)); err != nil {
			return err
		}
	}
	for name, text := range map[string]string{"backup_label": label, "standby.signal": ""} {
		path := filepath.Join(data, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
		if err := c.acct.changeOwner(path); err != nil {
			return err
		}
	}
	return nil
}
