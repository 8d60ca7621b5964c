// Package prisma reads the models and enums of a Prisma schema.
package prisma
