// Package graphql reads the tables and columns that GraphQL documents name in the form of an API that is generated from the schema.
package graphql
