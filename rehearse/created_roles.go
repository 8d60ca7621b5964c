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

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/script"
)

// roleTracker keeps track of the roles on the user's server, where roles that the migrations
// make are global. They must be dropped with their database.
//
// Other people may make roles at the same time. So a role counts as the migrations' only
// if it did not exist before they ran, and if their own text names it.
type roleTracker struct {
	*version
	server        *pgserver.Server // the version has none while the base is created
	db            string
	existingRoles []string
}

// readRoles records which roles exist.
func (r *roleTracker) readRoles(ctx context.Context, c *pgx.Conn) (err error) {
	r.existingRoles, err = r.server.Roles(ctx, c)
	return err
}

// claimNewRoles marks the roles that appeared since the last look, and returns those that it
// leaves alone.
func (r *roleTracker) claimNewRoles(ctx context.Context, c *pgx.Conn) (left []string, err error) {
	before := r.existingRoles
	if err := r.readRoles(ctx, c); err != nil {
		return nil, err
	}
	for _, name := range r.existingRoles {
		if slices.Contains(before, name) {
			continue
		}
		isMentioned, err := r.textMentions(name)
		if err != nil {
			return left, err
		}
		if !isMentioned {
			left = append(left, name)
			continue
		}
		if err := r.server.Claim(ctx, c, r.db, name); err != nil {
			return left, err
		}
	}
	return left, nil
}

// textMentions reports whether the text of the base or of the release contains a word.
func (v *version) textMentions(word string) (bool, error) {
	return v.matchesText(lazyregexp.New(`(?i)(?:^|[^\pL\pN_])` + regexp.QuoteMeta(word) + `(?:$|[^\pL\pN_])`))
}

// createRolePattern matches a statement that makes a role, with its name.
var createRolePattern = lazyregexp.New(`(?i)\bCREATE\s+(?:ROLE|USER|GROUP)\b(?:\s+(?:"((?:[^"]|"")+)"|([\pL_][\pL\pN_$]*)))?`)

// listCreatedRoles returns the names of the roles that the base and the release make, as far as
// their text has them, and whether they make any.
func (v *version) listCreatedRoles() (names []string, makes bool, err error) {
	err = v.eachText(func(text []byte) bool {
		found, some := findCreatedRoles(text)
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

// findCreatedRoles does the same for one text.
func findCreatedRoles(text []byte) (names []string, makes bool) {
	for _, m := range createRolePattern.FindAllSubmatch(text, -1) {
		makes = true
		name := strings.ReplaceAll(string(m[1]), `""`, `"`)
		if name == "" {
			name = strings.ToLower(string(m[2]))
		}
		if name != "" && name != "mapping" { // CREATE USER MAPPING makes no role
			names = append(names, name)
		}
	}
	return names, makes
}

// matchesText reports whether the text of the base or of the release matches.
func (v *version) matchesText(pattern *lazyregexp.Regexp) (isMatch bool, err error) {
	err = v.eachText(func(text []byte) bool {
		isMatch = pattern.Match(text)
		return !isMatch
	})
	return isMatch, err
}

// eachText calls more with the texts of the base and of the release until it returns false.
func (v *version) eachText(more func([]byte) bool) error {
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

// maxSchemaText limits how much of the schema file is searched for a role.
const maxSchemaText = 64 << 20

// untouchedRoleNote is the note about a role that stays.
func untouchedRoleNote(role string) string {
	return fmt.Sprintf("the role %s appeared on the server meanwhile, and no migration names it: it stays", role)
}
