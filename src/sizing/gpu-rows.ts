/**
 * GPUs as data: id, name, other names, vendor, compute capability, memory in GiB, bandwidth in GB/s, dense TFLOPS of 16-bit
 * floats (32-bit sums), fp8, int8 (TOPS), fp4, interconnect and its GB/s a GPU (both directions), board power in W, list
 * price in USD an hour, who lists it, page with the technical data.
 *
 * Vendors print peaks with 2:4 sparsity; dense is half of those. Prices are what one seller listed on the day in
 * `priceSources`, to compare GPUs by; what you pay goes in with `--price`.
 */
export type GpuRow = readonly [
  id: string,
  name: string,
  aliases: readonly string[],
  vendor: 'nvidia' | 'amd',
  computeCapability: string | null,
  memoryGib: number,
  bandwidthGbps: number,
  fp16: number,
  fp8: number | null,
  int8: number | null,
  fp4: number | null,
  interconnect: string,
  interconnectGbps: number,
  powerW: number,
  usdPerHour: number | null,
  seller: PriceSeller | null,
  datasheet: string,
]

export type PriceSeller = 'lambda' | 'verda' | 'seeweb' | 'runpod'

const CATALOGUE = 'https://github.com/skypilot-org/skypilot-catalog/blob'

export const priceSources: Readonly<Record<PriceSeller, { source: string; readAt: string }>> = {
  lambda: {
    source: `${CATALOGUE}/0f4070387edc953d7004cff197940e1918a1d6aa/catalogs/v8/lambda/vms.csv`,
    readAt: '2026-11-25',
  },
  verda: {
    source: `${CATALOGUE}/000c1d0bf24621f4ac37cfa585f0897c1aa1d9cf/catalogs/v8/verda/vms.csv`,
    readAt: '2026-11-25',
  },
  seeweb: {
    source: `${CATALOGUE}/06b032fa5cca748d36225a9885ce6c7acb8b93ac/catalogs/v7/seeweb/vms.csv`,
    readAt: '2026-11-25',
  },
  /** Per second, flexible workers; times 3600 here. */
  runpod: { source: 'https://docs.runpod.io/serverless/pricing', readAt: '2026-11-25' },
}

// biome-ignore format: one row a GPU reads as the table it is
export const gpuRows: readonly GpuRow[] = [
  ['t4', 'NVIDIA T4', [], 'nvidia', '7.5', 16, 320, 65, null, 130, null, 'PCIe 3', 32, 70, null, null, 'https://www.nvidia.com/en-us/data-center/tesla-t4/'],
  ['v100-32', 'NVIDIA V100 SXM2 32 GB', ['v100'], 'nvidia', '7.0', 32, 900, 125, null, null, null, 'NVLink 2', 300, 300, 0.79, 'lambda', 'https://www.nvidia.com/en-us/data-center/v100/'],
  ['a10', 'NVIDIA A10', [], 'nvidia', '8.6', 24, 600, 125, null, 250, null, 'PCIe 4', 64, 150, 1.29, 'lambda', 'https://www.nvidia.com/en-us/data-center/products/a10-gpu/'],
  ['a10g', 'NVIDIA A10G', [], 'nvidia', '8.6', 24, 600, 70, null, 140, null, 'PCIe 4', 64, 300, null, null, 'https://aws.amazon.com/ec2/instance-types/g5/'],
  ['a30', 'NVIDIA A30', [], 'nvidia', '8.0', 24, 933, 165, null, 330, null, 'NVLink bridge', 200, 165, 0.29, 'seeweb', 'https://www.nvidia.com/en-us/data-center/products/a30-gpu/'],
  ['a40', 'NVIDIA A40', [], 'nvidia', '8.6', 48, 696, 149.7, null, 299.3, null, 'NVLink bridge', 112.5, 300, 1.224, 'runpod', 'https://www.nvidia.com/en-us/data-center/a40/'],
  ['a100-40', 'NVIDIA A100 SXM 40 GB', [], 'nvidia', '8.0', 40, 1555, 312, null, 624, null, 'NVLink 3', 600, 400, null, null, 'https://www.nvidia.com/en-us/data-center/a100/'],
  ['a100-80-pcie', 'NVIDIA A100 PCIe 80 GB', [], 'nvidia', '8.0', 80, 1935, 312, null, 624, null, 'NVLink bridge', 600, 300, 1.29, 'verda', 'https://www.nvidia.com/en-us/data-center/a100/'],
  ['a100-80', 'NVIDIA A100 SXM 80 GB', ['a100', 'a100-sxm'], 'nvidia', '8.0', 80, 2039, 312, null, 624, null, 'NVLink 3', 600, 400, 2.79, 'lambda', 'https://www.nvidia.com/en-us/data-center/a100/'],
  ['rtx-3090', 'NVIDIA GeForce RTX 3090', ['3090'], 'nvidia', '8.6', 24, 936, 71, null, 284, null, 'NVLink bridge', 112.5, 350, 0.684, 'runpod', 'https://www.nvidia.com/content/PDF/nvidia-ampere-ga-102-gpu-architecture-whitepaper-v2.pdf'],
  ['rtx-a5000', 'NVIDIA RTX A5000', ['a5000'], 'nvidia', '8.6', 24, 768, 111.1, null, 222.2, null, 'NVLink bridge', 112.5, 230, 0.684, 'runpod', 'https://www.nvidia.com/en-us/design-visualization/rtx-a5000/'],
  ['rtx-a6000', 'NVIDIA RTX A6000', ['a6000'], 'nvidia', '8.6', 48, 768, 154.8, null, 309.7, null, 'NVLink bridge', 112.5, 300, 1.09, 'lambda', 'https://www.nvidia.com/en-us/design-visualization/rtx-a6000/'],
  ['rtx-4080', 'NVIDIA GeForce RTX 4080', ['4080'], 'nvidia', '8.9', 16, 717, 97.5, 194.9, 389.9, null, 'PCIe 4', 64, 320, null, null, 'https://images.nvidia.com/aem-dam/Solutions/geforce/ada/nvidia-ada-gpu-architecture.pdf'],
  ['rtx-4090', 'NVIDIA GeForce RTX 4090', ['4090'], 'nvidia', '8.9', 24, 1008, 165.2, 330.3, 660.6, null, 'PCIe 4', 64, 450, 1.116, 'runpod', 'https://images.nvidia.com/aem-dam/Solutions/geforce/ada/nvidia-ada-gpu-architecture.pdf'],
  ['rtx-4000-ada', 'NVIDIA RTX 4000 Ada', [], 'nvidia', '8.9', 20, 360, 76.7, 153.4, 153.4, null, 'PCIe 4', 64, 130, null, null, 'https://www.nvidia.com/en-us/design-visualization/rtx-4000/'],
  ['rtx-5000-ada', 'NVIDIA RTX 5000 Ada', [], 'nvidia', '8.9', 32, 576, 261.1, 522.2, 522.2, null, 'PCIe 4', 64, 250, null, null, 'https://www.nvidia.com/en-us/design-visualization/rtx-5000/'],
  ['rtx-6000-ada', 'NVIDIA RTX 6000 Ada', [], 'nvidia', '8.9', 48, 960, 364.2, 728.5, 728.5, null, 'PCIe 4', 64, 300, 0.8262, 'verda', 'https://www.nvidia.com/en-us/design-visualization/rtx-6000/'],
  ['l4', 'NVIDIA L4', [], 'nvidia', '8.9', 24, 300, 121, 242.5, 242.5, null, 'PCIe 4', 64, 72, 0.38, 'seeweb', 'https://www.nvidia.com/en-us/data-center/l4/'],
  ['l40', 'NVIDIA L40', [], 'nvidia', '8.9', 48, 864, 181, 362, 362, null, 'PCIe 4', 64, 300, 1.908, 'runpod', 'https://www.nvidia.com/en-us/data-center/l40/'],
  ['l40s', 'NVIDIA L40S', [], 'nvidia', '8.9', 48, 864, 362, 733, 733, null, 'PCIe 4', 64, 350, 0.85, 'seeweb', 'https://www.nvidia.com/en-us/data-center/l40s/'],
  ['rtx-5090', 'NVIDIA GeForce RTX 5090', ['5090'], 'nvidia', '12.0', 32, 1792, 209.5, 419, 838, 1676, 'PCIe 5', 128, 575, null, null, 'https://images.nvidia.com/aem-dam/Solutions/geforce/blackwell/nvidia-rtx-blackwell-gpu-architecture.pdf'],
  ['rtx-pro-6000', 'NVIDIA RTX PRO 6000 Blackwell', [], 'nvidia', '12.0', 96, 1792, 503.8, 1007.6, 1007.6, 2015.2, 'PCIe 5', 128, 600, 1.69, 'verda', 'https://www.nvidia.com/en-us/data-center/rtx-pro-6000-blackwell-server-edition/'],
  ['h100-pcie', 'NVIDIA H100 PCIe', [], 'nvidia', '9.0', 80, 2000, 756, 1513, 1513, null, 'NVLink bridge', 600, 350, 3.29, 'lambda', 'https://www.nvidia.com/en-us/data-center/h100/'],
  ['h100', 'NVIDIA H100 SXM', ['h100-sxm'], 'nvidia', '9.0', 80, 3350, 989, 1979, 1979, null, 'NVLink 4', 900, 700, 2.29, 'verda', 'https://www.nvidia.com/en-us/data-center/h100/'],
  ['h100-nvl', 'NVIDIA H100 NVL', [], 'nvidia', '9.0', 94, 3900, 835, 1671, 1671, null, 'NVLink bridge', 600, 400, null, null, 'https://www.nvidia.com/en-us/data-center/h100/'],
  ['h20', 'NVIDIA H20', [], 'nvidia', '9.0', 96, 4000, 148, 296, 296, null, 'NVLink 4', 900, 400, null, null, 'https://viperatech.com/product/nvidia-hgx-h20/'],
  ['h200', 'NVIDIA H200 SXM', ['h200-sxm'], 'nvidia', '9.0', 141, 4800, 989, 1979, 1979, null, 'NVLink 4', 900, 700, 3.39, 'verda', 'https://www.nvidia.com/en-us/data-center/h200/'],
  ['gh200', 'NVIDIA GH200 96 GB', [], 'nvidia', '9.0', 96, 4000, 990, 1979, 1979, null, 'NVLink-C2C', 900, 1000, 2.29, 'lambda', 'https://www.nvidia.com/en-us/data-center/grace-hopper-superchip/'],
  ['b200', 'NVIDIA B200', [], 'nvidia', '10.0', 180, 8000, 2250, 4500, 4500, 9000, 'NVLink 5', 1800, 1000, 4.89, 'verda', 'https://www.nvidia.com/en-us/data-center/dgx-b200/'],
  ['b300', 'NVIDIA B300', [], 'nvidia', '10.3', 262, 8000, 2250, 4500, null, 13500, 'NVLink 5', 1800, 1400, 6.99, 'verda', 'https://www.nvidia.com/en-us/data-center/dgx-b300/'],
  ['mi250x', 'AMD Instinct MI250X', [], 'amd', null, 128, 3277, 383, null, 383, null, 'Infinity Fabric', 800, 560, null, null, 'https://www.amd.com/en/products/accelerators/instinct/mi200/mi250x.html'],
  ['mi300x', 'AMD Instinct MI300X', [], 'amd', null, 192, 5300, 1307.4, 2614.9, 2614.9, null, 'Infinity Fabric', 896, 750, null, null, 'https://www.amd.com/en/products/accelerators/instinct/mi300/mi300x.html'],
  ['mi325x', 'AMD Instinct MI325X', [], 'amd', null, 256, 6000, 1307.4, 2614.9, 2614.9, null, 'Infinity Fabric', 896, 1000, null, null, 'https://www.amd.com/en/products/accelerators/instinct/mi300/mi325x.html'],
  ['mi355x', 'AMD Instinct MI355X', [], 'amd', null, 288, 8000, 2516.6, 5033.2, 5033.2, 10066.3, 'Infinity Fabric', 1075, 1400, null, null, 'https://www.amd.com/en/products/accelerators/instinct/mi350/mi355x.html'],
]
