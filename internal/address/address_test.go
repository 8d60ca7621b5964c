package address_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/address"
)

func TestHide(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"postgres://u:hunter2@h/db":                              "postgres://u:xxxxx@h/db",
		"cannot read postgres://u:hun@ter2@h:5432/db.":           "cannot read postgres://u:xxxxx@h:5432/db.",
		"postgresql://u:hun/ter2@h/db":                           "postgresql://u:xxxxx@h/db",
		"postgres://u:hun?t#er2@h/db":                            "postgres://u:xxxxx@h/db",
		"postgres://u:h%40nter2@[::1]:5432/db":                   "postgres://u:xxxxx@[::1]:5432/db",
		"postgres://u:hunter2@h1:1,h2:2/db":                      "postgres://u:xxxxx@h1:1,h2:2/db",
		"postgres://u:hun:ter2%zz@h/db":                          "postgres://u:xxxxx@h/db",
		"postgres://u@server:hunter2@h/db":                       "postgres://u@server:xxxxx@h/db",
		"postgres://:hunter2@h":                                  "postgres://:xxxxx@h",
		"postgres://h/db?user=u&password=hunter2&sslmode=off":    "postgres://h/db?user=u&password=xxxxx&sslmode=off",
		"postgres://h/db?sslpassword=hunter2":                    "postgres://h/db?sslpassword=xxxxx",
		"host=h password=hunter2 user=u":                         "host=h password=xxxxx user=u",
		"host=h password = 'hun ter\\'2' user=u":                 "host=h password = xxxxx user=u",
		"host=h password='hun ter2":                              "host=h password=xxxxx",
		"host=h password=hun'ter2 user=u":                        "host=h password=xxxxx user=u",
		"PGPASSWORD=hunter2 psql":                                "PGPASSWORD=xxxxx psql",
		`{'PASSWORD': 'hunter2', 'HOST': 'h'}`:                   `{'PASSWORD': xxxxx, 'HOST': 'h'}`,
		`{"password":"hunter2"}`:                                 `{"password":xxxxx}`,
		"redis://:hunter2@h:6379/0 and amqp://u:hunter2@h//":     "redis://:xxxxx@h:6379/0 and amqp://u:xxxxx@h//",
		"https://u:hunter2@proxy:8080/a@b":                       "https://u:xxxxx@proxy:8080/a@b",
		"see http://localhost:8000/@me and mail a@b":             "see http://localhost:8000/@me and mail a@b",
		"postgres://u@h/db":                                      "postgres://u@h/db",
		"password authentication failed for user \"u\"":          "password authentication failed for user \"u\"",
		"KeyError: 'DB_PASSWORD'":                                "KeyError: 'DB_PASSWORD'",
		"postgres://app:pa hunter2@127.0.0.1:1/db does not":      "postgres://app:xxxxx@127.0.0.1:1/db does not",
		"postgres://app:hunter2 @127.0.0.1:1/db":                 "postgres://app:xxxxx@127.0.0.1:1/db",
		"postgres://:hunter2 x@h/db":                             "postgres://:xxxxx@h/db",
		"app:hunter2@127.0.0.1/db":                               "app:xxxxx@127.0.0.1/db",
		"no file named 'app:hunter2@h'":                          "no file named 'app:xxxxx@h'",
		"postgres//app:hunter2@h/db":                             "postgres//app:xxxxx@h/db",
		"postgres:/app:hunter2@h/db":                             "postgres:/app:xxxxx@h/db",
		"postgres://h:5432 is down: ask a@b":                     "postgres://h:5432 is down: ask a@b",
		"git@github.com:org/repo":                                "git@github.com:org/repo",
		"a@b.c":                                                  "a@b.c",
		"postgres://u:hunter2@h/a, then postgres://v:hunter2@h/": "postgres://u:xxxxx@h/a, then postgres://v:xxxxx@h/",
	} {
		if got := address.HidePasswords(in); got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
	if got := address.HidePasswords(`cannot look up ss@h: word "p@ss"`, address.ListSecrets("postgres://u:p@sss@h/db")...); strings.Contains(got, "sss") {
		t.Errorf("HidePasswords keeps a part of the password p@sss: %s", got)
	}
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]string{
		"postgres://u:p%40ssword@h/db":         {"p%40ssword", "p@ssword"},
		"postgres://u:pass@word@h/db":          {"pass@word", "pass", "word"},
		"postgres://u:123?word@h/db":           {"123?word", "word", "123"},
		"postgres://u@h/db":                    nil,
		"postgres://u:p@h/db":                  nil, // a single letter occurs in every word
		"host=h user=u":                        nil,
		`host=h password='hunt\'er two'`:       {`hunt\'er two`, `hunt'er two`},
		"postgres://h/db?password=hunter%202":  {"hunter%202", "hunter 2"},
		"postgres://h/db?sslpassword=key&a=b":  {"key"},
		"postgres://u:hunter2@[::1]/db?a=b@cd": {"hunter2@[::1]/db?a=b", "hunter2", "[::1]", "a=b"},
	} {
		if diff := cmp.Diff(want, address.ListSecrets(in)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", in, diff)
		}
	}
}

// An address within a text is printed without its password, whatever characters the
// password has.
func TestNoPasswordIsShown(t *testing.T) {
	t.Parallel()
	const letters = `abz@:/?#%&='"\[],.;{}<>*+-`
	forms := []string{"postgres://u:%@h/db", "postgresql://u:%@[::1]:5432,h2/db?sslmode=off", "redis://:%@h"}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		password := "S"
		for range r.IntN(12) {
			password += string(letters[r.IntN(len(letters))])
		}
		password += "ECRET"
		whole := strings.Replace(forms[r.IntN(len(forms))], "%", password, 1)
		if got := address.HidePasswords("cannot connect to " + whole + ": no"); strings.Contains(got, "ECRET") {
			t.Fatalf("a message that quotes %s keeps the password: %s", whole, got)
		}
		if got := address.HidePasswords("the password is "+password+" there", address.ListSecrets(whole)...); strings.Contains(got, "ECRET") {
			t.Fatalf("a message that quotes the password of %s keeps it: %s", whole, got)
		}
	}
}
