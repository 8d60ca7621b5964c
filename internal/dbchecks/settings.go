package dbchecks

import (
	"strconv"
	"time"
)

// setBySQL finds the ALTER ROLE or ALTER DATABASE that sets a setting of this session.
const setBySQL = `
SELECT coalesce((SELECT rolname FROM pg_roles WHERE oid = s.setrole), '')::text, s.setdatabase <> 0
FROM pg_db_role_setting s
WHERE s.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = current_user)) AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
	AND EXISTS (SELECT FROM unnest(s.setconfig) AS v WHERE v LIKE $1::text || '=%')
ORDER BY s.setrole <> 0 AND s.setdatabase <> 0 DESC, s.setrole <> 0 DESC LIMIT 1`

// settingScope says for whom a setting is set: " for role app", or "" if the server's
// configuration or the connection string sets it.
func (p *Pass) settingScope(setting string) (string, error) {
	var role string
	var db bool
	scope := ""
	err := p.Each(setBySQL, []any{setting}, []any{&role, &db}, func() {
		switch {
		case role != "" && db:
			scope = " for role " + role + " in this database"
		case role != "":
			scope = " for role " + role
		default:
			scope = " for this database"
		}
	})
	return scope, err
}

// settingDuration returns a setting whose base unit is the millisecond, such as lock_timeout.
func (p *Pass) settingDuration(setting string) time.Duration {
	n, _ := strconv.ParseInt(p.settings[setting], 10, 64)
	return time.Duration(n) * time.Millisecond
}
