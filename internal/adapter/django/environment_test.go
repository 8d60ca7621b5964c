package django

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The project's code sees what an interpreter needs and what somebody passes on, and no secret of the user.
func TestEnvironmentIsAnAllowList(t *testing.T) { // t.Setenv allows no parallel run
	for name, value := range map[string]string{
		"GITHUB_TOKEN": "hunter2", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "hunter2", "CI_JOB_TOKEN": "hunter2", "AWS_SECRET_ACCESS_KEY": "hunter2",
		"PGPASSWORD": "hunter2", "SECRET_KEY": "hunter2", "LC_ALL": "C.UTF-8", "PASSED": "on", "ALSO_PASSED": "on", PassVariable: "PASSED, ALSO_PASSED",
	} {
		t.Setenv(name, value)
	}
	dir := t.TempDir()
	seen := filepath.Join(dir, "seen.txt")
	files := map[string]string{
		"manage.py": manage,
		"conf.py": "import os\nopen(os.environ['SEEN'], 'w').write('\\n'.join(k + '=' + v for k, v in os.environ.items()))\n" +
			"SECRET_KEY = os.environ['SECRET_KEY']\n",
		"sitecustomize.py": "import os\nopen(os.environ.get('SEEN', '/dev/null') + '.site', 'a').write(' '.join(os.environ) + '\\n')\n",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg := Config{Dir: dir, Python: venv(t, "django-5.2-none"), CacheDir: t.TempDir(), Env: []string{"SEEN=" + seen, "PYTHONPATH=" + dir}}
	_, err := Render(t.Context(), cfg)
	var failed *Error
	if !errors.As(err, &failed) || failed.Withheld != "SECRET_KEY" || !strings.Contains(err.Error(), "SECRET_KEY is set, but onward passes no such variable") {
		t.Errorf("without the variable: %v", err)
	}
	cfg.Env = append(cfg.Env, "SECRET_KEY=none")
	if _, err := Render(t.Context(), cfg); err != nil {
		t.Errorf("with the variable: %v", err)
	}
	for _, file := range []string{seen, seen + ".site"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"hunter2", "GITHUB_TOKEN", "CI_JOB_TOKEN", "AWS_SECRET_ACCESS_KEY"} {
			if strings.Contains(string(text), secret) {
				t.Errorf("%s: the project sees %s", filepath.Base(file), secret)
			}
		}
	}
	text, _ := os.ReadFile(seen)
	for _, want := range []string{"PATH=", "PASSED=on", "ALSO_PASSED=on", "LC_ALL=C.UTF-8", "SECRET_KEY=none"} {
		if !strings.Contains("\n"+string(text), "\n"+want) {
			t.Errorf("the project does not see %s", want)
		}
	}
}
