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
	"strings"
	"time"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/command"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/lazyregexp"
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

// Config says what to render, and how.
type Config struct {
	// Dir is the directory of manage.py.
	Dir string
	// Root is the directory that paths are relative to; "" for Dir.
	Root string
	// Home is the user's own copy of the tree, if Root is another revision of it. Interpreters are looked for there.
	// Paths of Python's search path in Home are read below Root instead. "" for Root.
	Home string
	// Settings is the settings module; "" for the one that manage.py or the environment names.
	Settings string
	// Python is the interpreter; "" to look for it. Relative to Home.
	Python string
	// Env holds the variables that onward.yaml sets for the project, as "NAME=value".
	Env []string
	// Postgres is the major version to render for; 0 for 16.
	Postgres int
	// Applied names the migrations of the deployed database as [app, name]; nil for all of them. It decides how
	// squashed migrations count.
	Applied [][2]string
	// Want names the migrations that the answer has; nil for all.
	Want [][2]string
	// Timeout bounds the Python process; 0 for five minutes.
	Timeout time.Duration
	// CacheDir is the directory for answers; "" for the user's cache directory, "-" for none.
	CacheDir string

	// revision is the commit to render if it is not on disk yet. Root and Dir are then Home's, until the
	// revision is unpacked.
	revision *revision

	// standIn names modules that are replaced by stubs: see request. nil for none.
	standIn []string

	// replaced names migrations that others will replace: see request.
	replaced [][2]string

	whole  bool // render whole states, as Django does: for tests
	tables bool // also answer the tables that exist in the end: for tests
}

// Error says why a project could not be rendered at all.
type Error struct {
	// Kind is "settings", "django", "python", "timeout", "signal" or "render".
	Kind string
	// Message is the last line of Python's own error.
	Message string
	// Python is the interpreter that was used, "" for none.
	Python string
	// Detail is the end of what Python printed.
	Detail string
	// Missing is what an import did not find: "markdown", or a name of a module, "package.module:name". It is "" if
	// the error has another reason.
	Missing string
	// Withheld is a variable of the user's environment that Message mentions and the project does not see.
	Withheld string
	// Version is the Python that ran, "3.11". Wanted says which other Python the project requires, and which file
	// says so; "" if none.
	Version, Wanted string
	// Lasting is set if the same files, packages and environment fail again in the same way.
	Lasting bool
}

// Error says what happened and how to fix it.
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
		return "import django: " + e.Message + used + e.describeOtherPython() + point
	case "settings":
		if !importError.MatchString(e.Message) {
			point = "; it has to start as it does for manage.py check. `environment:` of the directory in onward.yaml sets a variable that it needs, " +
				PassVariable + " lists variables to pass on, and `settings:` names other settings"
			if e.Withheld != "" {
				point = "; " + e.Withheld + " is set, but onward passes no such variable to the project: set it with `environment:` of the directory in onward.yaml " +
					"(the value hardly matters), or add it to " + PassVariable
			}
		} else {
			point += "; the settings module is `settings:` there"
		}
		return "import the settings: " + e.Message + used + e.describeOtherPython() + point
	case "python":
		return "start Python: " + e.Message + used + point
	default:
		if e.Kind == "timeout" {
			used += "; `render_timeout:` of the directory in onward.yaml sets another limit"
		}
		return "render the migrations: " + e.Message + used
	}
}

// importError matches errors that another interpreter may not have. SyntaxError is one of them, because an older
// interpreter does not know all of the syntax.
var importError = lazyregexp.New(`(^|\s)(ModuleNotFoundError|ImportError|SyntaxError|no settings module)\b`)

// Is makes every Error match adapter.ErrProject.
func (e *Error) Is(target error) bool { return target == adapter.ErrProject }

// request is the input of render.py.
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
	// StandIn are modules and names that are replaced by stubs; the answer then has only the models. null for a full
	// answer.
	StandIn []string `json:"stand_in"`
	// Replaced are migrations that others will replace. The answer then has what the replacements need from them.
	// null for a full answer.
	Replaced [][2]string `json:"replaced"`
	// Bytecode is the directory for Python's byte code; "" for none.
	Bytecode string `json:"bytecode,omitempty"`
}

// prepareConfig returns a complete config, and the Python of its project.
func (c Config) prepareConfig() (Config, string, error) {
	c, err := c.setDefaults()
	if err != nil {
		return c, "", err
	}
	python, err := Interpreter(c)
	return c, python, err
}

// Render renders a project, or answers from the cache if nothing that it depends on has changed. An error of type
// *Error comes from the project.
func Render(ctx context.Context, cfg Config) (*Project, error) {
	project, _, err := answerRequest(ctx, cfg)
	return project, err
}

// setDefaults makes the paths absolute and sets the defaults.
func (c Config) setDefaults() (Config, error) {
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

// runPython starts Python once.
func runPython(ctx context.Context, cfg Config, python string) ([]byte, error) {
	work, remove, err := scratch.Make("django")
	if err != nil {
		return nil, fmt.Errorf("make a directory for the renderer: %w", err)
	}
	defer func() { _ = remove() }() // if this fails, the next run tries again
	if err := os.CopyFS(work, renderer); err != nil {
		return nil, fmt.Errorf("write the renderer: %w", err)
	}
	body, err := cfg.rendererInput()
	if err != nil {
		return nil, fmt.Errorf("write the renderer's request: %w", err)
	}
	requestPath, answerPath := filepath.Join(work, "request.json"), filepath.Join(work, "answer.json")
	if err := os.WriteFile(requestPath, body, 0o600); err != nil {
		return nil, fmt.Errorf("write the renderer's request: %w", err)
	}
	talk := &outputTail{limit: maxTalk}
	cmd := exec.CommandContext(ctx, python, filepath.Join(work, "render.py"), requestPath, answerPath)
	cmd.Dir = cfg.Dir
	cmd.Env = pythonEnvironment(cfg)
	cmd.Stdout, cmd.Stderr = talk, talk
	cmd.WaitDelay = 2 * time.Second
	command.OwnGroup(cmd)
	runErr := cmd.Run()
	command.Sweep(cmd)
	if ctx.Err() != nil {
		if errors.Is(ctx.Err(), context.Canceled) {
			return nil, ctx.Err()
		}
		return nil, &Error{Kind: "timeout", Python: python, Detail: talk.String(),
			Message: "the project took too long" + lastSampledPlace(answerPath+".where", cfg.Root) + "; the limit is " + cfg.pythonTimeout().String() +
				"; the last it said: " + talk.lastLine()}
	}
	info, err := os.Stat(answerPath)
	if err != nil {
		return nil, explainNoAnswer(cmd, runErr, talk, python, cfg.Root)
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

// rendererInput returns the renderer's input.
func (c *Config) rendererInput() ([]byte, error) {
	req := request{
		Project: c.Dir, Root: c.Root, Settings: c.Settings, PG: c.Postgres,
		Applied: c.Applied, Want: c.Want, Whole: c.whole, Tables: c.tables, StandIn: c.standIn,
		Replaced: c.replaced, Bytecode: c.bytecodeDir(),
	}
	if c.Home != c.Root {
		req.Moved = []string{c.Home, c.Root}
	}
	return json.Marshal(req)
}

// explainNoAnswer returns why there is no answer: Python did not start, was ended, or failed.
func explainNoAnswer(cmd *exec.Cmd, runErr error, talk *outputTail, python, root string) *Error {
	kind, message := "render", talk.lastLine()
	var exit *exec.ExitError
	if runErr != nil && !errors.As(runErr, &exit) {
		kind, message = "python", runErr.Error()
	} else if signal := command.KilledBy(cmd.ProcessState); signal != "" {
		kind, message = "signal", "Python ended by "+signal+crashPlace(talk.String(), root)
	} else if message == "" && runErr != nil {
		message = runErr.Error()
	}
	return &Error{Kind: kind, Message: message, Python: python, Detail: talk.String()}
}

// rendererHash identifies this version of the renderer.
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

// outputTail keeps the end of what is written to it.
type outputTail struct {
	buf   bytes.Buffer
	limit int
}

func (t *outputTail) Write(p []byte) (int, error) {
	n := len(p)
	if n > t.limit {
		p = p[n-t.limit:]
	}
	if excess := t.buf.Len() + len(p) - t.limit; excess > 0 {
		t.buf.Next(excess)
	}
	t.buf.Write(p)
	return n, nil
}

func (t *outputTail) String() string { return t.buf.String() }

func (t *outputTail) lastLine() string {
	lines := strings.Split(strings.TrimSpace(t.buf.String()), "\n")
	return shortenMessage(strings.TrimSpace(lines[len(lines)-1]))
}

// shortenMessage shortens a message that Python printed itself and removes passwords from addresses. errors.py does the same
// for the messages in an answer.
func shortenMessage(message string) string {
	message = address.HidePasswords(message)
	if longest := 1000; len(message) > longest {
		message = strings.ToValidUTF8(message[:longest], "") + "…"
	}
	return message
}
