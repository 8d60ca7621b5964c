package configfile_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/configfile"
)

func TestCompose(t *testing.T) {
	t.Parallel()
	got, err := configfile.ReadCompose(`
x-env: &env
  LOG: debug
services:
  web:
    build: {context: ./web, dockerfile: docker/Dockerfile}
    environment: {<<: *env, DATABASE_URL: "postgres://db/web", PORT: 80, TOKEN: }
    env_file: .env
    volumes: ["./web:/app:ro", {type: bind, source: ./more, target: /more}, data]
    working_dir: /app
    command: run --now
  migrate:
    build: ./migrate
    image: 5
    environment: [A=b=c, PASSED]
    env_file: [a.env, {path: b.env, required: false}]
    entrypoint: ["sh", "-c"]
    command: ["migrate -path /m up"]
  odd: [1]
`)
	if err != nil {
		t.Fatal(err)
	}
	want := []configfile.Service{
		{
			Name: "migrate", Image: "5", Context: "./migrate", EnvFiles: []string{"a.env", "b.env"},
			Environment: map[string]string{"A": "b=c", "PASSED": "${PASSED}"}, Words: []string{"sh", "-c", "migrate", "-path", "/m", "up"},
		},
		{
			Name: "web", Context: "./web", Dockerfile: "docker/Dockerfile", WorkingDir: "/app", EnvFiles: []string{".env"},
			Mounts:      []configfile.Mount{{Source: "./web", Target: "/app"}, {Source: "./more", Target: "/more"}},
			Environment: map[string]string{"LOG": "debug", "DATABASE_URL": "postgres://db/web", "PORT": "80", "TOKEN": "${TOKEN}"}, Words: []string{"run", "--now"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, text := range map[string]string{
		"no YAML": "services: [", "too large": "services: {}\n" + strings.Repeat("# more\n", 200000),
		"laughs": "a: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\n" +
			"d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\ne: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\nf: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]\n" +
			"services: {a: {volumes: [*f, *f, *f, *f, *f, *f, *f, *f]}}\n",
	} {
		if list, err := configfile.ReadCompose(text); err == nil {
			t.Errorf("%s: %d services and no error", name, len(list))
		}
	}
}

func TestInterpolate(t *testing.T) {
	t.Parallel()
	values := map[string]string{"SET": "s", "EMPTY": ""}
	for text, want := range map[string]struct {
		value     string
		variables string
		known     bool
	}{
		"plain": {"plain", "", true}, "a$$b": {"a$b", "", true}, "$SET/${SET}": {"s/s", "SET SET", true}, "${NO}": {"${NO}", "NO", false},
		"${NO:-d}x": {"dx", "NO", true}, "${EMPTY:-d}": {"d", "EMPTY", true}, "${EMPTY-d}": {"", "EMPTY", true}, "${SET:-d}": {"s", "SET", true},
		"${NO:?say}": {"${NO:?say}", "NO", false}, "${SET:?say}": {"s", "SET", true}, "${SET:+d}": {"", "SET", false}, "${NO:-}": {"", "NO", true},
	} {
		value, variables, known := configfile.Interpolate(text, func(name string) (string, bool) { v, ok := values[name]; return v, ok })
		if value != want.value || strings.Join(variables, " ") != want.variables || known != want.known {
			t.Errorf("Interpolate(%q) = %q, %q, %t, want %q, %q, %t", text, value, variables, known, want.value, want.variables, want.known)
		}
	}
}
