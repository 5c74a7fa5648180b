"""agbd.py on made-up patches: python3 -m unittest test_agbd  (some seconds, no data)."""
import json
import tempfile
import unittest
from pathlib import Path

import agbd
import numpy as np


class Patches(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.dir = Path(self.folder.name)
        agbd.synthetic(self.dir / 'patches')

    def tearDown(self):
        self.folder.cleanup()

    def test_a_map_is_learnt_scored_on_other_places_and_exported_with_its_card(self):
        scores = agbd.main([str(self.dir / 'patches'), '--into', str(self.dir / 'model'), '--bands', 'red', 'nir', 'noise', '--steps', '150', '--width', '12'])
        self.assertLess(scores['rmse_t_per_ha'], 25)  # the reference alone scatters by 10, biomass by about 60
        self.assertGreater(scores['within_limits_percent'], 85)
        card = json.loads((self.dir / 'model/card.json').read_text())
        self.assertEqual((card['task'], card['input']['bands']), ('regress-raster', ['red', 'nir', 'noise']))
        self.assertEqual(len({s['split'] for s in card['scores']} & {t['region'] for t in card['training']}), 0)
        self.assertTrue((self.dir / 'model/model.onnx').stat().st_size > 1000)

    def test_the_reach_of_the_network_lies_within_the_margin(self):
        import torch
        net = agbd.make_net(1, 4, 100.0).eval()
        torch.manual_seed(1)
        x = torch.randn(1, 1, 64, 64)
        y = x.clone()
        y[..., 32, 32] += 5
        changed = (net(x)[0] != net(y)[0])[0, 0].nonzero()
        self.assertTrue(len(changed) > 0)
        self.assertLessEqual(int((changed - 32).abs().max()), agbd.MARGIN)

    def test_missing_bands_and_references_do_not_count(self):
        places = agbd.read_patches(self.dir / 'patches')
        patch = places['p0'][0]
        x, y, var, known = agbd.batch([patch], np.random.default_rng(1), 2, 48, *agbd.statistics([patch]))
        self.assertTrue(np.isfinite(x).all() and np.isfinite(y).all() and np.isfinite(var).all())
        self.assertAlmostEqual(known.mean(), (np.isfinite(patch[1]) & np.isfinite(patch[0]).all(0)).mean(), 6)

    def test_tiff_pairs_read_like_npz(self):
        try:
            from osgeo import gdal
        except ImportError:
            self.skipTest('GDAL has no Python bindings here')
        bands, agb, _ = agbd.read_patch(self.dir / 'patches/p0_0.npz')
        for name, values in (('q_0.tif', bands), ('q_0.agb.tif', np.stack([agb, np.full_like(agb, 10)]))):
            out = gdal.GetDriverByName('GTiff').Create(str(self.dir / name), 48, 48, len(values), gdal.GDT_Float32)
            for k, band in enumerate(values):
                out.GetRasterBand(k + 1).SetNoDataValue(-9999)
                out.GetRasterBand(k + 1).WriteArray(np.nan_to_num(band, nan=-9999))
            out = None
        for a, b in zip(agbd.read_patch(self.dir / 'q_0.tif'), agbd.read_patch(self.dir / 'patches/p0_0.npz')):
            np.testing.assert_array_equal(a, b)

    def test_patches_of_one_place_and_of_other_bands_are_refused(self):
        with self.assertRaisesRegex(SystemExit, 'one place only'):
            agbd.held_out({'p0': []}, 1)
        np.savez(self.dir / 'patches/p9_0.npz', bands=np.zeros((2, 48, 48)), agb=np.zeros((48, 48)))
        with self.assertRaisesRegex(SystemExit, 'p9_0.npz: bands .* all patches have 3 bands'):
            agbd.read_patches(self.dir / 'patches')


if __name__ == '__main__':
    unittest.main()
