package fleet

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// maxFile bounds a file of targets.
const maxFile = 64 << 20

// readFile reads a file with a target on each line: an address or a reference to one, then name=…, schema=…, schemas=PATTERN,
// password=REFERENCE and labels.
func (s *Source) readFile(ctx context.Context, name string) ([]*Target, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, newInputError("read the targets: %w", err)
	}
	if info.Size() > maxFile {
		return nil, newInputError("%s is too large for a list of targets", name)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, newInputError("read the targets: %w", err)
	}
	if ext := strings.ToLower(filepath.Ext(name)); ext == ".yaml" || ext == ".yml" {
		return s.readYAML(ctx, name, data)
	}
	var out []*Target
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		list, err := s.readLine(ctx, line)
		if err != nil {
			return nil, newInputError("%s:%d: %w", name, number, err)
		}
		setPlace(list, name, number)
		out = append(out, list...)
	}
	return out, nil
}

// readLine reads a line of a file of targets. No error quotes it, because it may have a password.
func (s *Source) readLine(ctx context.Context, line string) ([]*Target, error) {
	words, err := splitWords(line)
	if err != nil {
		return nil, err
	}
	e := config.TargetEntry{Address: words[0], Labels: map[string]string{}}
	for _, w := range words[1:] {
		key, value, ok := strings.Cut(w, "=")
		switch {
		case !ok || key == "" || value == "":
			return nil, newInputError("after the address only KEY=VALUE is allowed: quote an address with spaces")
		case key == "name":
			e.Name = value
		case key == "schema":
			e.Schema = value
		case key == "schemas":
			e.Schemas = []string{value}
		case key == "password":
			e.Password = value
		default:
			e.Labels[key] = value
		}
	}
	return s.readEntry(ctx, &e)
}

// setPlace records the line of a file that lists targets.
func setPlace(list []*Target, file string, line int) {
	for _, t := range list {
		t.place = fmt.Sprintf("%s:%d", file, line)
	}
}

// readYAML reads a YAML file of targets.
func (s *Source) readYAML(ctx context.Context, name string, data []byte) ([]*Target, error) {
	entries, err := config.DecodeTargets(data, name)
	if err != nil {
		return nil, newInputError("%w", err)
	}
	var out []*Target
	for i := range entries {
		list, err := s.readEntry(ctx, &entries[i])
		if err != nil {
			return nil, newInputError("%s:%d: %w", name, entries[i].Line, err)
		}
		setPlace(list, name, entries[i].Line)
		out = append(out, list...)
	}
	return out, nil
}

// readEntry returns the targets that an entry of a file means.
func (s *Source) readEntry(ctx context.Context, e *config.TargetEntry) (_ []*Target, err error) {
	if e.Schema != "" && len(e.Schemas) > 0 {
		return nil, newInputError("schema and schemas exclude each other")
	}
	t := &Target{Name: e.Name, Schema: e.Schema, Labels: e.Labels}
	t.readAddress = func(ctx context.Context) (string, error) {
		return s.readTargetAddress(ctx, e.Address, e.Password, true)
	}
	if t.Address, err = t.readAddress(ctx); err != nil {
		return nil, err
	}
	if len(e.Schemas) > 0 {
		return s.readSchemasOf(ctx, t, strings.Join(e.Schemas, ","))
	}
	return []*Target{t}, t.completeName()
}

// readSchemasOf returns the schemas of a target. Each name begins with the target's, if it has one.
func (s *Source) readSchemasOf(ctx context.Context, t *Target, schemas string) ([]*Target, error) {
	list, err := s.matchSchemas(ctx, t.Address, schemas, t.Labels)
	for _, tenant := range list {
		tenant.readAddress = t.readAddress
		if t.Name != "" {
			tenant.Name = t.Name + "/" + tenant.Name
		}
	}
	return list, err
}

// completeName names a target without a name.
func (t *Target) completeName() error {
	if t.Name != "" {
		return nil
	}
	name, err := databaseName(t.Address)
	if t.Name = name; t.Schema != "" {
		t.Name += "/" + t.Schema
	}
	return err
}

// readTargetAddress returns an address from its text or reference, with the password that another reference names.
func (s *Source) readTargetAddress(ctx context.Context, text, password string, programs bool) (string, error) {
	out := text
	if isSecretReference(text) {
		var err error
		if out, err = resolveSecret(ctx, text, s.Env, programs); err != nil {
			return "", err
		}
	} else if hasPassword(text) {
		return "", newInputError("the address contains its password; name the place of the whole address instead (env:NAME, file:PATH or cmd:COMMAND), " +
			"or name the password's place after the address, with the key password")
	}
	if password != "" {
		if !isSecretReference(password) {
			return "", newInputError("the password of a target is a reference: env:NAME, file:PATH or cmd:COMMAND")
		}
		secret, err := resolveSecret(ctx, password, s.Env, programs)
		if err != nil {
			return "", err
		}
		out = addPassword(out, secret)
	}
	if _, err := pgconn.ParseConfig(out); err != nil {
		return "", &address.Error{}
	}
	return out, nil
}

var passwordKeyword = lazyregexp.New(`(?i)(^|[\s?&])(ssl)?password\s*=`)

// hasPassword reports whether an address has a password of its own.
func hasPassword(text string) bool {
	if passwordKeyword.MatchString(text) {
		return true
	}
	_, rest, isURL := strings.Cut(text, "://")
	atSign := strings.LastIndexByte(rest, '@')
	return isURL && atSign >= 0 && strings.Contains(rest[:atSign], ":")
}

// addPassword puts a password into an address.
func addPassword(text, password string) string {
	if u, err := url.Parse(text); err == nil && u.Scheme != "" {
		u.User = url.UserPassword(u.User.Username(), password)
		return u.String()
	}
	return text + " password='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(password) + "'"
}

// splitWords splits a line at spaces. Quotes of both kinds keep spaces.
func splitWords(line string) (words []string, err error) {
	var b strings.Builder
	var quote rune
	inWord := false
	for _, c := range line {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, inWord = c, true
		case quote == 0 && (c == ' ' || c == '\t'):
			if inWord {
				words = append(words, b.String())
				b.Reset()
				inWord = false
			}
		default:
			b.WriteRune(c)
			inWord = true
		}
	}
	if quote != 0 {
		return nil, newInputError("a quote is not closed")
	}
	if inWord {
		words = append(words, b.String())
	}
	return words, nil
}
