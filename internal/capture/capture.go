// Package capture runs a project's own migrate command against a throwaway Postgres and returns the statements that it
// sends, for migration tools whose SQL is in no file.
//
// The command runs on the base, or a command or file makes the base's schema. Tables get generated rows, so that loops
// over rows send something. Then the command runs on the head. Each statement comes with its transaction, as the
// server saw it, and with its migration: a migration ends with the tool's own row in its history table.
//
// The command is the user's. It sees few variables of the environment, and the address of a proxy. The proxy
// passes everything on to the server. It ends after a time limit, and every process that it started ends with it.
package capture

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/command"
	"github.com/onward-sql/onward/internal/cache"
	"github.com/onward-sql/onward/internal/wire/ordered"
)

// Config says which command to run, and where.
type Config struct {
	// Command runs all pending migrations. BaseCommand makes the base's schema instead of it: another command, a file below
	// WorkDir from pg_dump, or [DeployedBase]; "" for Command.
	Command, BaseCommand string
	// Database is the address of the deployed database; "" for none.
	Database string
	// WorkDir is the directory of the command, relative to the root.
	WorkDir string
	// Home is the user's own copy of the repository, with installed packages; "" for none.
	Home string
	// Major is the version of the throwaway server; 0 is the newest that is installed.
	Major int
	// HistoryTables are the tables in which tools record migrations.
	HistoryTables map[string]bool
	// CacheDir is the directory for results; "" for the user's cache directory, "-" for none.
	CacheDir string
	Logger   *slog.Logger
}

// Run is what the command sent on both revisions.
type Run struct {
	Base Result `json:"base"`
	Head Result `json:"head"`
	// Filled is set if the head ran on generated rows. Empty says why it did not, "" if there was no table.
	Filled bool   `json:"filled,omitempty"`
	Empty  string `json:"empty,omitempty"`
	// Snapshot is the file that made the base's schema; "" if a command did.
	Snapshot string `json:"snapshot,omitempty"`
	// Refused are definitions of the deployed database that the throwaway server refuses.
	Refused []string `json:"refused,omitempty"`
}

// RunBoth runs the command on the base and then on the head, or answers from the cache. base is nil if the base has no
// such directory.
func (c *Config) RunBoth(ctx context.Context, base, head adapter.Tree, s adapter.Source) (*Run, error) {
	d, err := c.readDeployed(ctx, base, head, s)
	if err != nil {
		return nil, err
	}
	baseKey := c.baseKey(base, s, d)
	headKey := c.headKey(baseKey, head, s)
	r := &Run{}
	if c.loadCached(headKey, r) {
		return r, nil
	}
	command.PrepareAccess(c.Home)
	stage, err := startStage(ctx, c.Major, c.Logger)
	if err != nil {
		return nil, err
	}
	defer stage.server.Stop()
	database, err := stage.server.NewDatabase(ctx, "")
	if err != nil {
		return nil, err
	}
	if base != nil {
		if database, err = c.makeBaseSchema(ctx, stage, database, base, s, baseKey, d, r); err != nil {
			return nil, fmt.Errorf("at %s: %w", base.Name(), err)
		}
	}
	b := newBooks(c.HistoryTables, listMigrationFiles(head, s.Dir).paths, r.Base.Statements)
	if err := c.runHead(ctx, stage, database, head, s, b, r); err != nil {
		return nil, fmt.Errorf("at %s: %w", head.Name(), err)
	}
	c.storeCached(headKey, r)
	return r, nil
}

// readDeployed reads the deployed database if it makes the base; else it returns nil.
func (c *Config) readDeployed(ctx context.Context, base, head adapter.Tree, s adapter.Source) (*deployed, error) {
	switch {
	case base == nil || c.BaseCommand != DeployedBase:
		return nil, nil
	case c.Database == "":
		return nil, &Error{"capture_base: db makes the base's schema from the deployed database: --db names its address"}
	}
	return readDeployed(ctx, c.Database, newBooks(c.HistoryTables, listMigrationFiles(head, s.Dir).paths, nil))
}

// makeBaseSchema makes the base's schema: from the deployed database or a dump, by what the command sent the last time, or by the command.
func (c *Config) makeBaseSchema(ctx context.Context, stage *stage, database string, t adapter.Tree, s adapter.Source, key string, d *deployed, r *Run,
) (_ string, err error) {
	if d != nil {
		r.Base.Statements = d.listStatements()
		r.Refused, err = stage.restoreDeployed(ctx, database, d)
		return database, err
	}
	if file := path.Join(c.WorkDir, c.BaseCommand); isDump(file) && adapter.HasFile(t, file) {
		r.Snapshot = file
		dir, err := t.Dir(ctx)
		if err != nil {
			return "", err
		}
		return database, stage.restoreDump(ctx, database, filepath.Join(dir, filepath.FromSlash(file)))
	}
	if c.loadCached(key, &r.Base) && canReplay(r.Base.Statements) {
		err := stage.replayStatements(ctx, database, r.Base.Statements)
		if err == nil {
			return database, nil
		}
		c.Logger.Debug("what the base sent cannot be sent again", "error", err)
		if database, err = stage.server.NewDatabase(ctx, ""); err != nil {
			return "", err
		}
	}
	text := c.Command
	if c.BaseCommand != "" {
		text = c.BaseCommand
	}
	result, err := c.runInCheckout(ctx, stage, database, text, t, s)
	if err != nil {
		var failed *Error
		if errors.As(err, &failed) && c.BaseCommand == "" {
			failed.Message += "; `capture_base:` names a dump, or another command that makes the deployed schema, or db for the database of --db"
		}
		return "", err
	}
	r.Base = *result
	c.storeCached(key, &r.Base)
	return database, nil
}

// isDump reports whether a file is a dump, by its name. Other files are programs.
func isDump(file string) bool {
	return slices.Contains([]string{".sql", ".psql", ".dump", ".backup", ".tar"}, path.Ext(file))
}

// runHead runs the command on the head: on generated rows, or on empty tables if it fails there.
func (c *Config) runHead(ctx context.Context, stage *stage, database string, t adapter.Tree, s adapter.Source, b *books, r *Run) error {
	fillCtx, cancel := context.WithTimeout(ctx, fillTime)
	filled, err := stage.copyDatabaseWithRows(fillCtx, database, b)
	cancel()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		filled = ""
		c.Logger.Debug("no rows were generated", "error", err)
		r.Empty = "rows could not be generated: " + err.Error()
	}
	if filled != "" {
		result, err := c.runInCheckout(ctx, stage, filled, c.Command, t, s)
		if err == nil {
			r.Head, r.Filled = *result, true
			return nil
		}
		var failed *Error
		if !errors.As(err, &failed) {
			return err
		}
		r.Empty = "with generated rows, " + failed.Message
	}
	empty, err := stage.server.NewDatabase(ctx, database)
	if err != nil {
		return err
	}
	result, err := c.runInCheckout(ctx, stage, empty, c.Command, t, s)
	if err != nil {
		return err
	}
	r.Head = *result
	return nil
}

// runInCheckout runs a command in a checkout of a tree.
func (c *Config) runInCheckout(ctx context.Context, stage *stage, database, text string, t adapter.Tree, s adapter.Source) (*Result, error) {
	words, err := command.Split(text)
	if err != nil {
		return nil, fmt.Errorf("capture: in onward.yaml: %w", err)
	}
	cmd, remove, err := c.newCommand(ctx, t, s)
	if err != nil {
		return nil, err
	}
	defer func() { _ = remove() }() // if this fails, the next run tries again
	cmd.Words = words
	return stage.runCommand(ctx, database, *cmd)
}

// newCommand returns how a command runs in a checkout of a tree, still without its words.
func (c *Config) newCommand(ctx context.Context, t adapter.Tree, s adapter.Source) (*Command, func() error, error) {
	packages := command.FindInstalled(ctx, t, c.Home, c.WorkDir)
	dir, remove, err := command.CheckOut(ctx, t, c.Home, packages)
	if err != nil {
		return nil, nil, err
	}
	env := s.Options.Environment
	if list := packages.SearchPath(dir, os.Getenv("PYTHONPATH")); list != "" {
		env = append([]string{"PYTHONPATH=" + list}, env...)
	}
	return &Command{
		Dir: filepath.Join(dir, filepath.FromSlash(c.WorkDir)), Root: dir, Environment: command.AddPlaces(env, c.Home), Timeout: s.Options.RenderTimeout,
		Access: command.ListAccess(s.Options.Sandbox, c.Home, c.WorkDir, packages), Logger: c.Logger,
	}, remove, nil
}

// canReplay reports whether what a command sent makes the same schema if it is sent again.
func canReplay(list []*ordered.Statement) bool {
	return !slices.ContainsFunc(list, func(st *ordered.Statement) bool { return st.Failed == "" && !st.Undone && (st.Unread != "" || st.Rows) })
}

// replayTime bounds how long that may take, fillTime the generation of rows.
const (
	replayTime = 2 * time.Minute
	fillTime   = time.Minute
)

// cacheVersion changes with the format of the results in the cache.
const cacheVersion = "1"

// baseKey identifies everything that the base's run depends on; "" if that is not known.
func (c *Config) baseKey(t adapter.Tree, s adapter.Source, d *deployed) string {
	if d != nil {
		return c.treeKey(t, s, "base", c.BaseCommand, d.hashContent())
	}
	return c.treeKey(t, s, "base", c.BaseCommand)
}

// headKey identifies everything that the head's run depends on; "" if that is not known.
func (c *Config) headKey(base string, t adapter.Tree, s adapter.Source) string {
	if base == "" {
		return ""
	}
	return c.treeKey(t, s, "head", base)
}

func (c *Config) treeKey(t adapter.Tree, s adapter.Source, more ...string) string {
	if t == nil {
		return "none"
	}
	env := append(command.Environment(), s.Options.Environment...)
	program := ""
	if words, err := command.Split(c.Command); err == nil {
		program = words[0]
	}
	return command.ResultKey([]any{c.Command, c.WorkDir, s.Dir, env, s.Options.Sandbox, c.Major, more}, program, env, t, mayBeMigrationInput)
}

// mayBeMigrationInput reports whether a migration may depend on a file: it does not on texts for people and pictures.
func mayBeMigrationInput(p string) bool {
	if strings.Contains(p, "node_modules/") {
		return false
	}
	switch strings.ToLower(path.Ext(p)) {
	case ".md", ".rst", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".ico", ".webp", ".woff", ".woff2", ".css", ".scss", ".html", ".pdf", ".mp4":
		return false
	}
	return true
}

// loadCached reads a result from the cache.
func (c *Config) loadCached(key string, to any) bool {
	data, ok := c.openCache(key).Get("run")
	return ok && json.Unmarshal(data, to) == nil
}

// storeCached keeps a result. Without it, the command runs again.
func (c *Config) storeCached(key string, value any) {
	data, err := json.Marshal(value)
	if err != nil {
		return
	}
	store := c.openCache(key)
	store.Put("run", data)
	if err := store.Save(); err != nil {
		c.Logger.Debug("the cache was not written", "error", fmt.Sprint(err))
	}
}

func (c *Config) openCache(key string) *cache.Store {
	return command.OpenCache(c.CacheDir, "capture", key, cacheVersion)
}
