package pgserver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// NewDatabase makes a database, a copy of template or, if that is "", an empty one with UTF-8 and byte order. Nobody
// may be connected to the template. Its name is lower case letters, digits and underscores.
func (s *Server) NewDatabase(ctx context.Context, template string) (string, error) {
	name := fmt.Sprintf("%s_%d", s.databasePrefix(), s.databases.Add(1))
	sql := "CREATE DATABASE " + quoteIdent(name) + " TEMPLATE "
	if template == "" {
		sql += "template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
	} else {
		sql += quoteIdent(template)
	}
	statements := []string{sql + s.strategy()}
	if s.external != nil { // elsewhere the settings are the server's
		for _, key := range slices.Sorted(maps.Keys(s.cfg.Settings)) {
			value := s.cfg.Settings[key]
			if err := checkSetting(key, value); err != nil {
				return "", err
			}
			statements = append(statements, fmt.Sprintf("ALTER DATABASE %s SET %s = %s", quoteIdent(name), key, quoteLiteral(value)))
		}
	}
	if note, err := s.noteRoles(name); err != nil {
		return "", err
	} else if note != "" {
		statements = append(statements, note)
	}
	if err := s.run(ctx, statements...); err != nil {
		return "", fmt.Errorf("create a database: %w", err)
	}
	return name, nil
}

// strategy of CREATE DATABASE. Copying files is quicker than logging each block as long as the checkpoints around it
// have next to nothing to write, which holds for a server with fsync off. Before 15 it is the only way.
func (s *Server) strategy() string {
	if s.install.Major < 15 || s.external != nil {
		return ""
	}
	return " STRATEGY file_copy"
}

// DropDatabase removes a database that NewDatabase made, closing the connections that are open to it, and the roles
// that were made for it (see Claim).
func (s *Server) DropDatabase(ctx context.Context, name string) error {
	c, err := s.Connect(ctx, "", "")
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	_, err = c.Exec(ctx, "DROP DATABASE IF EXISTS "+quoteIdent(name)+" WITH (FORCE)")
	if err == nil && s.external != nil {
		var claims []claim
		if claims, err = s.claims(ctx, c); err == nil {
			err = dropRoles(ctx, c, claims, func(c claim) bool { return c.db == name })
		}
	}
	if err != nil {
		return fmt.Errorf("drop a database: %w", s.blame(err))
	}
	return nil
}

// Extensions lists the names that CREATE EXTENSION knows on this server, sorted.
func (s *Server) Extensions(ctx context.Context) ([]string, error) {
	conn, err := s.Connect(ctx, "", "")
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `SELECT name::pg_catalog.text FROM pg_catalog.pg_available_extensions ORDER BY name COLLATE pg_catalog."C"`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func (s *Server) databasePrefix() string {
	if s.external != nil {
		return s.external.prefix()
	}
	return "onward"
}

// run executes statements, one by one, in the maintenance database.
func (s *Server) run(ctx context.Context, statements ...string) error {
	conn, err := s.Connect(ctx, "", "")
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return s.blame(err)
		}
	}
	return nil
}

// blame puts the server's own death beside an error of a connection, if that is where it comes from.
func (s *Server) blame(err error) error {
	return errors.Join(err, s.Err())
}

func quoteIdent(name string) string { return pgx.Identifier{name}.Sanitize() }

func quoteLiteral(value string) string {
	quoted := "'" + strings.ReplaceAll(value, "'", "''") + "'"
	if strings.Contains(value, `\`) {
		quoted = "E" + strings.ReplaceAll(quoted, `\`, `\\`)
	}
	return quoted
}
