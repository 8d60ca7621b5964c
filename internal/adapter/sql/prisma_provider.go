package sql

import (
	"path"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

var (
	lockedProvider = lazyregexp.New(`(?m)^\s*provider\s*=\s*"(\w+)"`)
	addressEnv     = lazyregexp.New(`(?m)^\s*url\s*=\s*env\(\s*"(\w+)"\s*\)`)
	datasource     = lazyregexp.New(`(?s)\bdatasource\s+\w+\s*\{(.*?)\n\s*\}`)
)

// readPrismaProvider returns the provider of a directory of migrations. Prisma compares the one in migration_lock.toml with its schema's, and stops if
// they differ. Without a lock file it is the provider of the only datasource beside the directory.
func readPrismaProvider(t adapter.Tree, dir string) string {
	lock := path.Join(dir, "migration_lock.toml")
	if !adapter.HasFile(t, lock) {
		return ""
	}
	if text, err := t.Read(lock); err == nil {
		if m := lockedProvider.FindStringSubmatch(string(text)); m != nil {
			return m[1]
		}
	}
	return readDatasource(t, dir, lockedProvider)
}

// FindVariable returns the environment variable with the address of a source's database; "" if the project names none.
func (Adapter) FindVariable(t adapter.Tree, s adapter.Source) string {
	if !adapter.HasFile(t, path.Join(s.Dir, "migration_lock.toml")) {
		return ""
	}
	return readDatasource(t, s.Dir, addressEnv)
}

// readDatasource returns a setting of the only datasource beside a directory of migrations.
func readDatasource(t adapter.Tree, dir string, setting *lazyregexp.Regexp) string {
	found := ""
	for _, file := range adapter.ListDir(t, path.Dir(dir), ".prisma").Names {
		text, err := t.Read(path.Join(path.Dir(dir), file))
		if err != nil {
			return ""
		}
		for _, block := range datasource.FindAllStringSubmatch(string(text), -1) {
			m := setting.FindStringSubmatch(block[1])
			if m == nil || found != "" && found != m[1] {
				return ""
			}
			found = m[1]
		}
	}
	return found
}
