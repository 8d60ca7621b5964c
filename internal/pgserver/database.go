package pgserver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgparse"
)

// NewDatabase creates a database: a copy of template or, if that is "", an empty one with UTF-8 and the C locale.
// Nobody may be connected to the template. The name has lower case letters, digits and underscores.
func (s *Server) NewDatabase(ctx context.Context, template string) (string, error) {
	name := fmt.Sprintf("%s_%d", s.databasePrefix(), s.databases.Add(1))
	sql := "CREATE DATABASE " + quoteIdent(name) + " TEMPLATE "
	if template == "" {
		sql += "template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
	} else {
		sql += quoteIdent(template)
	}
	statements := []string{sql + s.copyStrategy()}
	if s.external != nil { // elsewhere the settings are the server's
		for _, key := range slices.Sorted(maps.Keys(s.cfg.Settings)) {
			value := s.cfg.Settings[key]
			if err := checkSetting(key, value); err != nil {
				return "", err
			}
			statements = append(statements, fmt.Sprintf("ALTER DATABASE %s SET %s = %s", quoteIdent(name), key, pgparse.QuoteLiteral(value)))
		}
	}
	if note, err := s.roleCommentStatement(name); err != nil {
		return "", err
	} else if note != "" {
		statements = append(statements, note)
	}
	if err := s.execStatements(ctx, statements...); err != nil {
		return "", fmt.Errorf("create a database: %w", err)
	}
	return name, nil
}

// copyStrategy returns the strategy of CREATE DATABASE. Copying files is faster than logging each block if the
// checkpoints around it have almost nothing to write, as on a server with fsync off. Before 15 it is the only
// strategy.
func (s *Server) copyStrategy() string {
	if s.install.Major < 15 || s.external != nil {
		return ""
	}
	return " STRATEGY file_copy"
}

// DropDatabase drops a database from NewDatabase, closing its open connections, and the roles that were made for it
// (see Claim).
func (s *Server) DropDatabase(ctx context.Context, name string) error {
	c, err := s.Connect(ctx, "", "")
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	err = dropDatabase(ctx, c, name)
	if err == nil && s.external != nil {
		var claims []claim
		if claims, err = s.readClaims(ctx, c); err == nil {
			err = dropRoles(ctx, c, claims, func(c claim) bool { return c.db == name })
		}
	}
	if err != nil {
		return fmt.Errorf("drop a database: %w", s.addCrash(err))
	}
	return nil
}

// Extensions lists the extensions that are available on this server, sorted.
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
		return s.external.idPrefix()
	}
	return "onward"
}

// execStatements executes statements, one by one, in the maintenance database.
func (s *Server) execStatements(ctx context.Context, statements ...string) error {
	conn, err := s.Connect(ctx, "", "")
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return s.addCrash(err)
		}
	}
	return nil
}

// addCrash adds the server's own crash to an error of a connection, if there was one.
func (s *Server) addCrash(err error) error {
	return errors.Join(err, s.Err())
}

func quoteIdent(name string) string { return pgx.Identifier{name}.Sanitize() }
