package django

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/scratch"
)

//go:embed render.py onward_django/*.py
var renderer embed.FS

// Limits of one run.
const (
	defaultTimeout = 5 * time.Minute
	maxAnswer      = 256 << 20
	maxTalk        = 64 << 10
)

// Config says what to render.
type Config struct {
	// Dir is the directory of manage.py.
	Dir string
	// Root is what paths are relative to; "" for Dir.
	Root string
	// Home is the user's own copy of the tree, when Root is another revision
	// of it: interpreters are looked for there, and what Python's search path
	// names there is read below Root. "" for Root.
	Home string
	// Settings is the settings module; "" for what manage.py or the
	// environment says.
	Settings string
	// Python is the interpreter; "" to look for it. Relative to Home.
	Python string
	// Env is what onward.yaml sets for the project, as "NAME=value".
	Env []string
	// Postgres is the major version to render for; 0 for 16.
	Postgres int
	// Applied names the migrations of the deployed database as [app, name];
	// nil for all of them. It decides how squashed migrations count.
	Applied [][2]string
	// Want names the migrations to answer; nil for all.
	Want [][2]string
	// Timeout bounds the Python process; 0 for five minutes.
	Timeout time.Duration
	// CacheDir keeps answers; "" for the user's cache directory, "-" for none.
	CacheDir string

	// revision is what is rendered where it is not on disk yet: Root and Dir
	// are then those of Home, until the revision is unpacked.
	revision *revision

	// standIn names what is stood in for: see request. nil for nothing.
	standIn []string

	// replaced is what is asked of migrations that others take the place of: see request.
	replaced [][2]string

	whole  bool // render states whole, as Django does: for tests
	tables bool // answer the tables that are there in the end: for tests
}

// Error is why a project could not be rendered at all.
type Error struct {
	// Kind is "settings", "django", "python", "timeout", "signal" or "render".
	Kind string
	// Message is the last line of Python's own error.
	Message string
	// Python is the interpreter that was used, "" for none.
	Python string
	// Detail is the end of what Python printed.
	Detail string
	// Missing is what an import did not find: "markdown", or a name of a module,
	// "package.module:name". "" where that is not why.
	Missing string
	// Withheld is a variable of the user's environment that Message names and the project does not see.
	Withheld string
	// Lasting: with the same files, packages and environment it fails so again.
	Lasting bool
}

// Error says what happened and how to go on.
func (e *Error) Error() string {
	point := "; name the project's interpreter with `python:` in onward.yaml, or activate its virtualenv"
	used := ""
	if e.Python != "" {
		used = " (with " + e.Python + ")"
	}
	switch e.Kind {
	case "django":
		if e.Python != "" && strings.Contains(e.Message, "No module named 'django'") {
			return "Django is not installed in " + e.Python + ": set `python:` in onward.yaml to the project's interpreter, or activate its virtualenv"
		}
		return "import django: " + e.Message + used + point
	case "settings":
		if !importError.MatchString(e.Message) {
			point = "; it has to start as it does for manage.py check. `environment:` of the directory in onward.yaml sets a variable that it needs, " + PassVariable + " lists variables to pass on, and `settings:` names other settings"
			if e.Withheld != "" {
				point = "; " + e.Withheld + " is set, but onward passes no such variable to the project: set it with `environment:` of the directory in onward.yaml (the value hardly matters), or add it to " + PassVariable
			}
		} else {
			point += "; the settings module is `settings:` there"
		}
		return "import the settings: " + e.Message + used + point
	case "python":
		return "start Python: " + e.Message + used + point
	default:
		return "render the migrations: " + e.Message + used
	}
}

// importError is what another interpreter may not have. An older one does not
// know all of the syntax.
var importError = regexp.MustCompile(`(^|\s)(ModuleNotFoundError|ImportError|SyntaxError|no settings module)\b`)

// Is makes it an adapter.ErrProject.
func (e *Error) Is(target error) bool { return target == adapter.ErrProject }

// request is what render.py reads.
type request struct {
	Project  string      `json:"project"`
	Root     string      `json:"root"`
	Settings string      `json:"settings"`
	PG       int         `json:"pg"`
	Applied  [][2]string `json:"applied"`
	Want     [][2]string `json:"want"`
	Moved    []string    `json:"moved,omitempty"`
	Whole    bool        `json:"whole,omitempty"`
	Tables   bool        `json:"tables,omitempty"`
	// StandIn are modules and names that are stood in for; the answer has the
	// models alone then. null for an answer with everything.
	StandIn []string `json:"stand_in"`
	// Replaced are migrations that others are to take the place of; the answer is what
	// those take from them. null for an answer with everything.
	Replaced [][2]string `json:"replaced"`
}

// ready is a config with nothing left out, and the Python of its project.
func (c Config) ready() (Config, string, error) {
	c, err := c.complete()
	if err != nil {
		return c, "", err
	}
	python, err := Interpreter(c)
	return c, python, err
}

// Render renders a project, or answers from the cache when nothing that it
// depends on has changed. An error of type *Error comes from the project.
func Render(ctx context.Context, cfg Config) (*Project, error) {
	cfg, python, err := cfg.ready()
	if err != nil {
		return nil, err
	}
	if cfg.revision != nil {
		cfg.revision.lend(cfg)
	}
	store, key := openCache(ctx, cfg, python)
	if answer, ok := store.get(key); ok {
		if project, err := decode(answer, python); err == nil || lasting(err) {
			return project, noteWithheld(err, cfg)
		}
	}
	if cfg.revision != nil {
		if cfg, err = cfg.revision.unpack(ctx, cfg); err != nil {
			return nil, err
		}
	}
	timeout := cfg.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	answer, died, err := patiently(ctx, cfg, python)
	if err != nil {
		return nil, err
	}
	project, err := decode(answer, python)
	if err == nil || lasting(err) {
		store.put(key, answer)
	}
	if err != nil {
		return nil, noteWithheld(err, cfg)
	}
	if died != nil {
		project.Notes = append(project.Notes, died.Message+"; started again, it did its work")
	}
	return project, nil
}

// lasting reports whether a failure is worth keeping: a base that does not come up would
// cost seconds on every run.
func lasting(err error) bool {
	failed, ok := errors.AsType[*Error](err)
	return ok && failed.Lasting
}

// patiently runs Python once more where it died of a signal: a crash of the interpreter or
// of a library in it is often a matter of luck. died is the first one's.
func patiently(ctx context.Context, cfg Config, python string) (answer []byte, died *Error, err error) {
	answer, err = run(ctx, cfg, python)
	if !errors.As(err, &died) || died.Kind != "signal" || ctx.Err() != nil {
		return answer, nil, err
	}
	answer, err = run(ctx, cfg, python)
	var again *Error
	if errors.As(err, &again) && again.Kind == "signal" {
		again.Message += ", and so it did when it was started again"
	}
	return answer, died, err
}

// complete makes the paths absolute and fills in what is left out.
func (c Config) complete() (Config, error) {
	if c.Root == "" {
		c.Root = c.Dir
	}
	if c.Home == "" {
		c.Home = c.Root
	}
	for _, path := range []*string{&c.Dir, &c.Root, &c.Home} {
		abs, err := filepath.Abs(*path)
		if err != nil {
			return c, fmt.Errorf("find %s: %w", *path, err)
		}
		if real, err := filepath.EvalSymlinks(abs); err == nil {
			abs = real
		}
		*path = abs
	}
	if c.Postgres == 0 {
		c.Postgres = 16
	}
	return c, nil
}

// run starts Python once.
func run(ctx context.Context, cfg Config, python string) ([]byte, error) {
	work, remove, err := scratch.Make("django")
	if err != nil {
		return nil, fmt.Errorf("make a directory for the renderer: %w", err)
	}
	defer func() { _ = remove() }() // the next run tries again
	if err := os.CopyFS(work, renderer); err != nil {
		return nil, fmt.Errorf("write the renderer: %w", err)
	}
	body, err := cfg.ask()
	if err != nil {
		return nil, fmt.Errorf("write the renderer's request: %w", err)
	}
	requestPath, answerPath := filepath.Join(work, "request.json"), filepath.Join(work, "answer.json")
	if err := os.WriteFile(requestPath, body, 0o600); err != nil {
		return nil, fmt.Errorf("write the renderer's request: %w", err)
	}
	talk := &tail{limit: maxTalk}
	cmd := exec.CommandContext(ctx, python, filepath.Join(work, "render.py"), requestPath, answerPath)
	cmd.Dir = cfg.Dir
	cmd.Env = environment(cfg)
	cmd.Stdout, cmd.Stderr = talk, talk
	cmd.WaitDelay = 2 * time.Second
	ownGroup(cmd)
	runErr := cmd.Run()
	sweep(cmd)
	if ctx.Err() != nil {
		if errors.Is(ctx.Err(), context.Canceled) {
			return nil, ctx.Err()
		}
		return nil, &Error{Kind: "timeout", Python: python, Detail: talk.String(),
			Message: "the project took too long" + stuck(answerPath+".where", cfg.Root) + "; the last it said: " + talk.lastLine()}
	}
	info, err := os.Stat(answerPath)
	if err != nil {
		return nil, unanswered(cmd, runErr, talk, python, cfg.Root)
	}
	if info.Size() > maxAnswer {
		return nil, &Error{Kind: "render", Python: python,
			Message: fmt.Sprintf("the answer has %d MB, more than the limit of %d", info.Size()>>20, maxAnswer>>20)}
	}
	answer, err := os.ReadFile(answerPath)
	if err != nil {
		return nil, fmt.Errorf("read the renderer's answer: %w", err)
	}
	return answer, nil
}

// ask is what the renderer reads.
func (c *Config) ask() ([]byte, error) {
	req := request{
		Project: c.Dir, Root: c.Root, Settings: c.Settings, PG: c.Postgres,
		Applied: c.Applied, Want: c.Want, Whole: c.whole, Tables: c.tables, StandIn: c.standIn,
		Replaced: c.replaced,
	}
	if c.Home != c.Root {
		req.Moved = []string{c.Home, c.Root}
	}
	return json.Marshal(req)
}

// unanswered is why there is no answer: Python did not start, was ended, or failed.
func unanswered(cmd *exec.Cmd, runErr error, talk *tail, python, root string) *Error {
	kind, message := "render", talk.lastLine()
	var exit *exec.ExitError
	if runErr != nil && !errors.As(runErr, &exit) {
		kind, message = "python", runErr.Error()
	} else if by := killedBy(cmd.ProcessState); by != "" {
		kind, message = "signal", "Python ended by "+by+crash(talk.String(), root)
	} else if message == "" && runErr != nil {
		message = runErr.Error()
	}
	return &Error{Kind: kind, Message: message, Python: python, Detail: talk.String()}
}

// decode reads an answer. Failures of the project come back as *Error.
func decode(answer []byte, python string) (*Project, error) {
	var out struct {
		Project
		Error *struct {
			Kind, Message, Traceback, Missing string
			Lasting                           bool
		} `json:"error"`
	}
	if err := json.Unmarshal(answer, &out); err != nil {
		return nil, fmt.Errorf("read the renderer's answer: %w", err)
	}
	if e := out.Error; e != nil {
		return nil, &Error{Kind: e.Kind, Message: e.Message, Python: python, Detail: e.Traceback, Missing: e.Missing, Lasting: e.Lasting}
	}
	return &out.Project, nil
}

// rendererHash names this version of the renderer.
func rendererHash() string {
	h := sha256.New()
	_ = fs.WalkDir(renderer, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			data, _ := renderer.ReadFile(path)
			fmt.Fprintf(h, "%s %d\n", path, len(data))
			h.Write(data)
		}
		return err
	})
	return hex.EncodeToString(h.Sum(nil))
}

// tail keeps the end of what is written to it.
type tail struct {
	buf   bytes.Buffer
	limit int
}

func (t *tail) Write(p []byte) (int, error) {
	n := len(p)
	if n > t.limit {
		p = p[n-t.limit:]
	}
	if over := t.buf.Len() + len(p) - t.limit; over > 0 {
		t.buf.Next(over)
	}
	t.buf.Write(p)
	return n, nil
}

func (t *tail) String() string { return t.buf.String() }

func (t *tail) lastLine() string {
	lines := strings.Split(strings.TrimSpace(t.buf.String()), "\n")
	return brief(strings.TrimSpace(lines[len(lines)-1]))
}

// brief is a message that Python printed itself, as errors.py makes those that
// it hands over: without the password of an address, and not endless.
func brief(message string) string {
	message = address.Hide(message)
	if longest := 1000; len(message) > longest {
		message = strings.ToValidUTF8(message[:longest], "") + "…"
	}
	return message
}
