package rehearse

import (
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/script"
)

// roles watches over the roles of somebody's server, to which the migrations'
// belong too: those that they make go with their database.
//
// Others may make roles meanwhile. So one is the migrations' only if it was not
// there before they ran, and if their own text names it.
type roles struct {
	*version
	server *pgserver.Server // the version has none while the base is made
	db     string
	there  []string
}

// look notes which roles there are.
func (r *roles) look(ctx context.Context, c *pgx.Conn) (err error) {
	r.there, err = r.server.Roles(ctx, c)
	return err
}

// claim marks the roles that came since the last look, and gives those that it
// leaves alone.
func (r *roles) claim(ctx context.Context, c *pgx.Conn) (left []string, err error) {
	before := r.there
	if err := r.look(ctx, c); err != nil {
		return nil, err
	}
	for _, name := range r.there {
		if slices.Contains(before, name) {
			continue
		}
		named, err := r.names(name)
		if err != nil {
			return left, err
		}
		if !named {
			left = append(left, name)
			continue
		}
		if err := r.server.Claim(ctx, c, r.db, name); err != nil {
			return left, err
		}
	}
	return left, nil
}

// names reports whether the text of the base or of the release has a word.
func (v *version) names(word string) (bool, error) {
	return v.has(regexp.MustCompile(`(?i)(?:^|[^\pL\pN_])` + regexp.QuoteMeta(word) + `(?:$|[^\pL\pN_])`))
}

// makesRole is how a text says that it makes a role, and which one.
var makesRole = regexp.MustCompile(`(?i)\bCREATE\s+(?:ROLE|USER|GROUP)\b(?:\s+(?:"((?:[^"]|"")+)"|([\pL_][\pL\pN_$]*)))?`)

// rolesMade are the roles that the base and the release say they make, as far as they name
// them, and whether they make any.
func (v *version) rolesMade() (names []string, makes bool, err error) {
	err = v.texts(func(text []byte) bool {
		found, some := rolesIn(text)
		makes = makes || some
		for _, name := range found {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		return true
	})
	return names, makes, err
}

// rolesIn are those that one text says it makes.
func rolesIn(text []byte) (names []string, makes bool) {
	for _, m := range makesRole.FindAllSubmatch(text, -1) {
		makes = true
		name := strings.ReplaceAll(string(m[1]), `""`, `"`)
		if name == "" {
			name = strings.ToLower(string(m[2]))
		}
		if name != "" && name != "mapping" { // CREATE USER MAPPING makes none
			names = append(names, name)
		}
	}
	return names, makes
}

// has reports whether the text of the base or of the release matches.
func (v *version) has(is *regexp.Regexp) (has bool, err error) {
	err = v.texts(func(text []byte) bool {
		has = is.Match(text)
		return !has
	})
	return has, err
}

// texts gives the texts of the base and of the release, as long as more are wanted.
func (v *version) texts(more func([]byte) bool) error {
	source := func(s script.Source) bool {
		return !slices.ContainsFunc(s.Parts, func(p script.Part) bool { return !more([]byte(p.SQL)) })
	}
	for _, list := range v.release.Deployed() {
		for _, m := range list.Migrations {
			if !source(m.Source) {
				return nil
			}
		}
	}
	for _, step := range v.steps {
		if !source(step.Source) {
			return nil
		}
		if down, err := v.release.Down(step.Step); err == nil && down != nil && !source(*down) {
			return nil
		}
	}
	if v.Schema == "" {
		return nil
	}
	f, err := os.Open(v.Schema)
	if err != nil {
		return err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSchemaText))
	more(text)
	return err
}

// maxSchemaText bounds how much of the schema file is searched for a role.
const maxSchemaText = 64 << 20

// leftAlone is the note about a role that stays.
func leftAlone(role string) string {
	return fmt.Sprintf("the role %s appeared on the server meanwhile, and no migration names it: it stays", role)
}
