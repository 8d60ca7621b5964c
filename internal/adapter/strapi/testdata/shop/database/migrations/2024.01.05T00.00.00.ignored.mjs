export const up = (knex) => knex.raw('SELECT never')
