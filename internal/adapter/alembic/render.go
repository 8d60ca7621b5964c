package alembic

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/command"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/scratch"
)

//go:embed hook/*.py
var hook embed.FS

// Limits of one run.
const (
	defaultTimeout = 5 * time.Minute
	maxRecord      = 256 << 20
)

// Error says why a project's command did not print its SQL.
type Error struct{ Message string }

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Is makes every Error match adapter.ErrProject.
func (e *Error) Is(target error) bool { return target == adapter.ErrProject }

// renderRecord runs the command of a source on a tree, or answers from the cache.
func (a *Adapter) renderRecord(ctx context.Context, t adapter.Tree, s adapter.Source) (*record, error) {
	words, err := command.Split(strings.NewReplacer("{from}", "base", "{to}", "heads").Replace(s.Options.Render))
	if err != nil {
		return nil, fmt.Errorf("render: in onward.yaml: %w", err)
	}
	home := a.findUserCopy(s.Dir)
	env := projectEnvironment(t, s, home)
	key := cacheKey(t, s, words, env)
	store := command.OpenCache(a.CacheDir, "alembic", key, hookHash())
	if data, ok := store.Get("record"); ok && key != "" {
		r := &record{}
		if json.Unmarshal(data, r) == nil {
			return r, nil
		}
	}
	packages := command.FindInstalled(ctx, t, home, workDir(t, s, words))
	root, remove, err := command.CheckOut(ctx, t, home, packages)
	if err != nil {
		return nil, err
	}
	defer func() { _ = remove() }() // if this fails, the next run tries again
	if real, err := filepath.EvalSymlinks(root); err == nil {
		root = real
	}
	r, err := runWithHook(ctx, t, s, words, env, root, home, packages)
	if err != nil {
		return nil, err
	}
	if data, err := json.Marshal(r); err == nil && key != "" {
		store.Put("record", data)
		_ = store.Save() // without the cache, the command runs again
	}
	return r, nil
}

// runWithHook runs the command with the hook.
func runWithHook(ctx context.Context, t adapter.Tree, s adapter.Source, words, env []string, root, home string, packages *command.Installed) (*record, error) {
	work, remove, err := scratch.Make("alembic")
	if err != nil {
		return nil, fmt.Errorf("make a directory for the hook: %w", err)
	}
	defer func() { _ = remove() }() // if this fails, the next run tries again
	if err := os.CopyFS(work, hook); err != nil {
		return nil, fmt.Errorf("write the hook: %w", err)
	}
	trace := filepath.Join(work, "record.jsonl")
	pythonPath := filepath.Join(work, "hook")
	for _, entry := range env {
		if value, ok := strings.CutPrefix(entry, "PYTHONPATH="); ok && value != "" {
			pythonPath = filepath.Join(work, "hook") + string(filepath.ListSeparator) + value
		}
	}
	env = append(slices.Clone(env), "PYTHONPATH="+pythonPath, "ONWARD_RENDER_TRACE="+trace)
	if home != "" && home != root {
		env = append(env, "ONWARD_RENDER_MOVED="+home+"\n"+root)
	}
	dir := workDir(t, s, words)
	access := command.ListAccess(s.Options.Sandbox, home, dir, packages)
	access.Write = append(access.Write, work, root)
	box, runErr := command.RunConfined(ctx, command.Command{
		Words: words, Env: append(env, "TMPDIR="+work), Dir: filepath.Join(root, filepath.FromSlash(dir)),
		Timeout: cmp.Or(s.Options.RenderTimeout, defaultTimeout),
	}, access)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var failed *command.Error
	if errors.As(runErr, &failed) {
		return nil, explainFailure(failed, box, t, s)
	} else if runErr != nil {
		return nil, runErr
	}
	data, err := scratch.ReadUntrusted(trace, maxRecord+1)
	if err != nil {
		return nil, &Error{"`" + strings.Join(words, " ") + "` ran, and loaded no Alembic with onward's PYTHONPATH; name Alembic's own command with --sql"}
	}
	r, done, err := decodeRecord(data, root)
	switch {
	case err != nil:
		return nil, err
	case r.otherDialect != "":
		return nil, explainDialect(r.otherDialect, words, t, s)
	case !done:
		return nil, &Error{"`" + strings.Join(words, " ") + "` ended before the last revision"}
	}
	r.Gaps = box.Gaps
	return r, nil
}

// dialectError says that the command printed SQL of another database.
type dialectError struct{ Message string }

// Error returns the message.
func (e *dialectError) Error() string { return e.Message }

// environmentName matches a variable that a program in Python reads.
var environmentName = lazyregexp.New(`(?:environ(?:\.get\(|\[)|getenv\()\s*["']([A-Za-z_]\w*)["']`)

// explainDialect returns the error for SQL of another database: without its variable, env.py falls back to one for development.
func explainDialect(dialect string, words []string, t adapter.Tree, s adapter.Source) error {
	variable, file := "the variable that env.py reads", environmentFile(t, s.Dir)
	if m := environmentName.FindStringSubmatch(adapter.ReadFile(t, file).Text); file != "" && m != nil {
		variable = m[1] + ", which " + file + " reads"
	}
	return &dialectError{fmt.Sprintf("`%s` rendered SQL of %s and not of PostgreSQL: set %s, with `environment:` of the directory in onward.yaml, "+
		"to an address such as postgresql://localhost/app (nothing connects to it)", strings.Join(words, " "), dialect, variable)}
}

// explainFailure returns a failure with what to do about it.
func explainFailure(failed *command.Error, box *command.Confinement, t adapter.Tree, s adapter.Source) *Error {
	text := failed.Error()
	missing := explainMissingParent(t, s.Dir, text)
	switch {
	case missing != "":
		text = missing
	case failed.TimedOut:
		text += "; `render_timeout:` of the directory in onward.yaml sets another limit"
	case strings.Contains(text, "No module named") || strings.Contains(text, "no such program"):
		text += "; activate the project's virtualenv, or name its interpreter with `python:` of the directory in onward.yaml"
	case box.ExplainRefusal(text) != "":
		text += box.ExplainRefusal(text)
	default:
		text += "; the command must work without a database. `environment:` of the directory in onward.yaml sets variables, and " +
			command.PassVariable + " lists variables to pass on"
	}
	return &Error{"render at " + t.Name() + ": " + text}
}

// workDir returns the directory in which the command runs: with Alembic's own file, unless the command names that file
// from the root.
func workDir(t adapter.Tree, s adapter.Source, words []string) string {
	for i, w := range words {
		name, joined := strings.CutPrefix(w, "--config=")
		if (w == "-c" || w == "--config") && i+1 < len(words) {
			name, joined = words[i+1], true
		}
		if joined && adapter.HasFile(t, path.Clean(filepath.ToSlash(name))) {
			return ""
		}
	}
	if p := environmentFile(t, s.Dir); words[0] == "flask" && p != "" {
		return strings.TrimPrefix(path.Dir(path.Dir(p)), ".") // the application is beside its directory
	}
	if p, ok := adapter.NearestFile(t, s.Dir, "alembic.ini"); ok {
		return strings.TrimPrefix(path.Dir(p), ".")
	}
	return ""
}

// projectEnvironment returns the variables of the command: those that every project sees, with the project's virtualenv first on
// the PATH, and those of onward.yaml.
func projectEnvironment(t adapter.Tree, s adapter.Source, home string) []string {
	env := command.Environment()
	if bin := findBinDir(t, s, home); bin != "" {
		for i, entry := range env {
			if list, ok := strings.CutPrefix(entry, "PATH="); ok {
				env[i] = "PATH=" + bin + string(filepath.ListSeparator) + list
			}
		}
	}
	env = append(env, "PYTHONDONTWRITEBYTECODE=1", "PYTHONHASHSEED=0", "PYTHONUTF8=1", "PYTHONUNBUFFERED=1")
	return append(env, s.Options.Environment...)
}

// decodeRecord reads what the hook wrote. done is false if the run did not end.
func decodeRecord(data []byte, root string) (r *record, done bool, err error) {
	if len(data) > maxRecord {
		return nil, false, &Error{fmt.Sprintf("the revisions' SQL has %d MB, more than the limit of %d", len(data)>>20, maxRecord>>20)}
	}
	r = &record{}
	index := map[string]int{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, maxRecord)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, false, &Error{"the record of the run is damaged: " + err.Error()}
		}
		i, known := index[e.ID]
		switch {
		case e.Event == "dialect" && e.Name != "postgresql":
			r.otherDialect = e.Name
		case e.Event == "end":
			r.PerMigration, r.Transactional, done = e.PerMigration, e.Transactional, true
		case e.Event == "revision" && !known:
			rel, err := filepath.Rel(root, e.Path)
			if err != nil || strings.HasPrefix(rel, "..") {
				return nil, false, &Error{"revision " + e.ID + " is outside the repository"}
			}
			index[e.ID] = len(r.Revisions)
			r.Revisions = append(r.Revisions, revision{ID: e.ID, Path: filepath.ToSlash(rel), Down: e.Down, Depends: e.Depends, Labels: e.Labels})
		case e.Event == "sql" && known:
			r.Revisions[i].Statements = append(r.Revisions[i].Statements, statement{
				SQL: e.SQL, Block: e.Block, Class: e.Class, Table: e.Table, Subject: e.Subject, Literal: e.Literal, place: e.place,
			})
		case e.Event == "opaque" && known:
			r.Revisions[i].Unread = append(r.Revisions[i].Unread, unread{Why: e.Why, Failed: e.Failed, place: e.place})
		}
	}
	return r, done, lines.Err()
}

// event is a line of the hook's record.
type event struct {
	Event         string   `json:"event"`
	ID            string   `json:"id"`
	Name          string   `json:"name"`
	Path          string   `json:"path"`
	Down          []string `json:"down"`
	Depends       []string `json:"depends"`
	Labels        []string `json:"labels"`
	SQL           string   `json:"sql"`
	Block         int      `json:"block"`
	Class         string   `json:"class"`
	Table         string   `json:"table"`
	Subject       string   `json:"column"`
	Literal       bool     `json:"literal"`
	Why           string   `json:"why"`
	Failed        bool     `json:"failed"`
	PerMigration  bool     `json:"per_migration"`
	Transactional bool     `json:"transactional"`
	place
}
