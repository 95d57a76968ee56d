import { defineSource } from "aquifer";

/** The operational database of the water company; everything lies in its schema perumda. */
const connection = "perumda";

/** Customers as they are now; each extract is kept, so that history can be told from them. */
export const pelanggan = defineSource({
  name: "perumda/pelanggan",
  description: "Customers.",
  database: { connection, relation: "perumda.pelanggan" },
  columns: {
    kodepelanggan: { description: "Eight digits." },
    nama: {},
    wilayah: { description: "UT Utara, SN Selatan, PS Pusat." },
    status: { description: "A Aktif, N Nonaktif, P Proses." },
    kodegoltarif: {},
  },
});

export const goltarif = defineSource({
  name: "perumda/goltarif",
  description: "Tariff groups.",
  database: { connection, relation: "perumda.goltarif" },
  columns: { kodegoltarif: {}, namagoltarif: {} },
});

/** The month of a bill or payment. A month that changed is taken anew as a whole. */
const billMonth = { grain: "month", fromSql: "make_date(tahun, bulan, 1)" } as const;

export const brek = defineSource({
  name: "perumda/brek",
  description: "Bills, one a customer and month.",
  database: { connection, relation: "perumda.brek" },
  columns: {
    kodepelanggan: {},
    tahun: {},
    bulan: {},
    kodegoltarif: {},
    tagihan: { description: "Billed, IDR." },
    pemakaian: { description: "Consumed, m3." },
  },
  period: billMonth,
});

export const trx = defineSource({
  name: "perumda/trx",
  description: "Payments, one a customer and month.",
  database: { connection, relation: "perumda.trx" },
  columns: {
    kodepelanggan: {},
    tahun: {},
    bulan: {},
    jumlahbayar: { description: "Paid, IDR." },
    denda: { description: "Penalty, IDR." },
    tglbayar: {},
  },
  period: billMonth,
});

export const pemutusan = defineSource({
  name: "perumda/pemutusan",
  description: "Disconnections.",
  database: { connection, relation: "perumda.pemutusan" },
  columns: {
    kodepelanggan: {},
    tglstk: { description: "Day of the order." },
    realisasistk: { description: "Y done." },
    tglbuka: { description: "Day of the reopening." },
  },
  period: { grain: "month", fromSql: "tglstk" },
});

export const pengaduan = defineSource({
  name: "perumda/pengaduan",
  description: "Complaints.",
  database: { connection, relation: "perumda.pengaduan" },
  columns: {
    idpelanggan: {},
    tgl: {},
    jnspengaduan: { description: "Type; may be blank." },
    tglselesai: { description: "When it was settled." },
  },
  period: { grain: "month", fromSql: "tgl" },
});

export const sbbaru = defineSource({
  name: "perumda/sbbaru",
  description: "New connections.",
  database: { connection, relation: "perumda.sbbaru" },
  columns: {
    kodecpelanggan: { description: "Region, REG, number." },
    tglreg: {},
    jumlah: { description: "Fee, IDR." },
    realisasi: { description: "Y done." },
  },
  period: { grain: "month", fromSql: "tglreg" },
});
