//go:build unix

package django

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/history"
)

const crashing = `import os, signal
at = os.path.join(os.path.dirname(os.path.abspath(__file__)), "died")
deaths = len(open(at).read()) if os.path.exists(at) else 0
def crash():
    open(at, "a").write("x")
    os.kill(os.getpid(), signal.SIGSEGV)
if deaths < MOST:
    crash()
`

// A crash of Python is often a matter of luck: a second run does what the first one
// would have done.
func TestCrashOnce(t *testing.T) {
	t.Parallel()
	set := loadSet(t, venv(t, "django-5.2-none"), little(strings.Replace(crashing, "MOST", "1", 1)), history.Runner{})
	if len(set.Migrations) != 1 || len(set.Migrations[0].Source.Parts) == 0 {
		t.Errorf("%d migrations", len(set.Migrations))
	}
}

func TestCrashAlways(t *testing.T) {
	t.Parallel()
	for _, env := range []string{"django-5.2-none", "django-6.0-psycopg"} {
		t.Run(env, func(t *testing.T) {
			t.Parallel()
			_, err := trySet(t, venv(t, env), little(strings.Replace(crashing, "MOST", "9", 1)), history.Runner{})
			failed, ok := errors.AsType[*Error](err)
			if !ok || failed.Kind != "signal" {
				t.Fatalf("got %v", err)
			}
			const want = "Python ended by signal 11 (SIGSEGV) at conf.py:9 in crash, from conf.py:11 in <module>"
			if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "so it did when it was started again") {
				t.Errorf("%q is not in: %v", want, err)
			}
		})
	}
}

// Where a project waits without end, its own places are named, innermost first; what it
// has started ends with it, and it leaves no core dump.
func TestHangInImport(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := little("import sys\nsys.path.insert(0, __file__.rsplit('/', 1)[0])\nimport slow")
	files["slow.py"] = []byte(`import os, resource, subprocess, threading
if resource.getrlimit(resource.RLIMIT_CORE)[0]:
    raise ValueError("a core dump is possible")
if threading.active_count() != 1:
    raise ValueError("a thread that is not the project's")
open(os.path.join(os.path.dirname(__file__), "child"), "w").write(str(subprocess.Popen(["sleep", "600"]).pid))
def wait():
    threading.Event().wait()
wait()
`)
	files.WriteTo(t, dir)
	_, err := Render(context.Background(), Config{Dir: dir, Python: venv(t, "django-5.2-none"), CacheDir: "-", Timeout: 15 * time.Second})
	failed, ok := errors.AsType[*Error](err)
	if !ok || failed.Kind != "timeout" {
		t.Fatalf("got %v", err)
	}
	if want := "and was at slow.py:8 in wait, from slow.py:9 in <module>, from conf.py:6 in <module>"; !strings.Contains(err.Error(), want) {
		t.Errorf("%q is not in: %v", want, err)
	}
	ended(t, filepath.Join(dir, "child"))
}

// Processes that a project starts and leaves running are ended after rendering, too.
func TestNothingIsLeftRunning(t *testing.T) {
	t.Parallel()
	pidFile := filepath.Join(t.TempDir(), "child")
	loadLittle(t, venv(t, "django-5.2-none"), "import subprocess\nopen("+strconv.Quote(pidFile)+
		", 'w').write(str(subprocess.Popen(['sleep', '600'], stdout=-3, stderr=-3).pid))", history.Runner{})
	ended(t, pidFile)
}

// ended holds that the process whose number a file has is gone; one that nobody has
// waited for yet is.
func ended(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		t.Fatal(err)
	}
	var stat []byte
	for range 100 {
		stat, _ = os.ReadFile("/proc/" + string(text) + "/stat")
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) || regexp.MustCompile(`\) [ZX] `).Match(stat) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("process %d runs: %s", pid, stat)
}
