// The world of MikroORM's migrations: the class that they extend.
(function (kit) {
  'use strict';
  const { host, unknown, report, infoOf, callOf } = kit;

  function sendUnread(name) {
    report({ name: 'this.' + name, unread: 'its SQL is known only when it runs' });
    return unknown({ settles: true });
  }

  class Migration {
    addSql(...list) {
      const place = host.place();
      report({ value: { k: 'c', n: [{ n: 'this' }, callOf('addSql', list)], p: place }, place });
    }

    reset() {}

    isTransactional() {
      return true;
    }

    getQueries() {
      return unknown({});
    }

    async execute() {
      return sendUnread('execute');
    }

    getKnex() {
      return sendUnread('getKnex');
    }

    getEntityManager() {
      return sendUnread('getEntityManager');
    }

    get driver() {
      return sendUnread('driver');
    }

    get ctx() {
      return unknown({});
    }

    get config() {
      return unknown({});
    }
  }

  return {
    modules: {},
    // Frameworks export the class under its name.
    anywhere: { Migration },
    start(up) {
      const migration = up.make?.();
      if (!migration || infoOf(migration) || !(migration instanceof Migration)) throw new Error('the class that it extends is not known');
      return migration.up();
    },
    end() {},
  };
})
