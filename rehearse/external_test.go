package rehearse_test

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/rehearse"
)

// Before 16, a role that may create others may give itself the right to start
// programs; from then on it may not.
func TestCreatesRoles(t *testing.T) {
	t.Parallel()
	dir := branch(t, shopBase+"-- "+t.Name()+"\n", []txtar.File{step("CREATE ROLE made_by_release;\nCREATE TABLE n (id int PRIMARY KEY);\nALTER TABLE n OWNER TO made_by_release;")})
	for major, refused := range map[int]bool{15: true, 16: false} {
		s := pgservertest.Server(t, major)
		c, err := s.Connect(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close(t.Context())
		if _, err := c.Exec(t.Context(), "CREATE ROLE maker LOGIN CREATEDB CREATEROLE"); err != nil {
			t.Fatal(err)
		}
		cfg := on(dir)
		cfg.Server = s.URLAs("maker", "postgres")
		_, err = rehearse.Run(t.Context(), cfg)
		var input *config.InputError
		if was := errors.As(err, &input) && strings.Contains(err.Error(), "has the rights of maker"); was != refused || !refused && err != nil {
			t.Errorf("%d: %v", major, err)
		}
	}
}
