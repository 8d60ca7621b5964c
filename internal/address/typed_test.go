package address

import (
	"slices"
	"strings"
	"testing"
)

func TestIsPrintable(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"postgres://app@db.example.com:5432/shop?sslmode=require&connect_timeout=5": true,
		"postgresql://a.example.com,b.example.com:5433/shop":                        true,
		"postgres://[::1]:5432/shop":                                                true,
		"host=db.example.com port=5432 dbname=shop user=app":                        true,
		"host=/run/postgresql dbname=shop":                                          true,
		"shop":                                                                      true,
		"":                                                                          true,
		"postgres://app:hunter@db/shop":                                             false,
		"postgres://app:@db/shop":                                                   false,
		"postgres://app@db/shop?password=hunter":                                    false,
		"postgres://app@db/shop?pasword=hunter":                                     false,
		"postgres://app@db/shop?sslpassword=hunter":                                 false,
		"postgres://app@db/shop?sslkey=/etc/key":                                    false,
		"postgres://app@db/shop?options=-c%20x.token%3Dhunter":                      false,
		"postgres://app@db:1:hunter/shop":                                           false,
		"postgres://app:hunter":                                                     false,
		"postgres://app:my hunter@db/shop":                                          false,
		"host=db passfile=x":                                                        false,
		"host=db pasword=hunter":                                                    false,
		"Host=db;Username=app;Pwd=hunter":                                           false,
		"app:hunter@db/shop":                                                        false,
		"mysql://app@db/shop":                                                       false,
	} {
		if got := IsPrintable(address); got != want {
			t.Errorf("%s is printable: %t", address, got)
		}
	}
}

func TestListTypedSecrets(t *testing.T) {
	t.Parallel()
	for _, arg := range []string{
		"postgres://app:hunter22@db/shop", "--db=postgres://app:hunter22@db/shop", "postgres://app: hunter22@db/shop", "postgres://app:hunter22",
		"postgres://app@127.0.0.1:1:hunter22/shop", "postgres://app:hunter22@/shop?host=/x", "postgres://app:hunter22/x@db:1/shop", "app:hunter22@db/shop",
		"Host=db;Username=app;Pwd=hunter22", "host=db pasword=hunter22", "postgres://app@db/shop?pasword=hunter22", "Server=db;User Id=app;PWD='hunter22'",
	} {
		hidden := HidePasswords("cannot read hunter22", ListTypedSecrets([]string{"apply", arg})...)
		if strings.Contains(hidden, "hunter22") {
			t.Errorf("%s: %s", arg, hidden)
		}
	}
	for _, args := range [][]string{
		{"apply", "--db", "postgres://app@db/shop"}, {"check", "db/migrations/1.sql"}, {"locks", "-e", "SELECT host FROM t"}, {"changelog", "--base", "origin/main"},
	} {
		if got := ListTypedSecrets(args); len(got) > 0 {
			t.Errorf("%q: %q", args, got)
		}
	}
	if got := ListTypedSecrets([]string{"postgres://app:hunter22@db.example.com/shop"}); !slices.Equal(got, []string{"hunter22"}) {
		t.Errorf("the host of an address that can be read is hidden: %q", got)
	}
}
