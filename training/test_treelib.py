"""Checks of the shared pieces: /usr/bin/python3 -m unittest test_treelib (from this folder; no data needed)."""
import os
import tempfile
import unittest
from pathlib import Path

from treelib.sgd import Schedule, train  # first: sets the threads before torch is loaded
import numpy as np
import torch
from treelib.jitter import jitter, void_strips
from treelib.pictures import Crop, as_image
from treelib.score import average_precision, box_iou, match_objects, match_points, objects
import count
import crown


class Crops(unittest.TestCase):
    def test_a_bright_pixel_lies_where_its_point_is_mapped_to(self):
        for seed in range(40):
            rng = np.random.default_rng(seed)
            picture = np.zeros((90, 120, 4), np.uint8)
            x, y = 40 + seed % 30, 30 + seed % 25
            picture[y, x] = 255
            image = as_image(picture)
            crop = Crop(rng, image, 64, float(rng.uniform(0.6, 1.6)), (x, y))
            pixels = crop.pixels(image)[..., 0].astype(float)
            (px, py), total = crop.points([(x + 0.5, y + 0.5)])[0], pixels.sum()
            if not (3 < px < 61 and 3 < py < 61):
                continue
            rows, cols = np.mgrid[:64, :64] + 0.5
            self.assertLess(np.hypot((cols * pixels).sum() / total - px, (rows * pixels).sum() / total - py), 0.5)

    def test_void_strips_void_all_bands_and_nothing_else(self):
        x = np.full((6, 40, 40, 3), 9, np.float32)
        keep = void_strips(np.random.default_rng(1), x, share=1)
        self.assertTrue((x[keep] == 9).all() and (x[~keep] == 0).all() and 0 < (~keep).sum())

    def test_jitter_keeps_levels_in_range_and_drops_nir_only(self):
        x = np.random.default_rng(2).integers(0, 256, (8, 32, 32, 4), dtype=np.uint8)
        out = jitter(np.random.default_rng(3), x, drop_nir=1.0)
        self.assertTrue((out >= 0).all() and (out <= 255).all() and (out[..., 3] == 0).all() and (out[..., 0] > 0).any())


class Targets(unittest.TestCase):
    def test_density_sums_to_the_count_even_at_the_edge(self):
        density, heat = count.targets(np.array([(0.2, 0.2), (88.0, 30.0), (175.9, 175.9)]), 88)
        self.assertAlmostEqual(float(density.sum()), 3, places=4)
        self.assertEqual(int((heat == 1).sum()), 3)

    def test_peaks_find_the_points_of_a_clean_heat(self):
        points = np.array([(21.0, 33.0), (60.0, 60.0), (100.0, 35.0)])
        found = count.peaks(count.targets(points, 88)[1], 0.5)
        self.assertEqual(len(found), 3)
        self.assertLess(np.abs(np.sort(found, 0) - np.sort(points, 0)).max(), 1.5)

    def test_boxes_come_back_from_their_own_targets(self):
        boxes = np.array([(10.0, 12, 40, 44), (80, 60, 140, 130)])
        heat, dist, _ = crown.targets(boxes, 40)
        found, _ = crown.boxes_of((heat, dist), 0.9, gsd=crown.GSD)
        self.assertGreater(box_iou(found, boxes).max(1).min(), 0.99)


class Scores(unittest.TestCase):
    def test_matching_takes_most_pairs(self):
        i, j = match_points(np.array([(0.0, 0), (4, 0)]), np.array([(3.0, 0), (9, 0)]), 5)
        self.assertEqual(len(i), 2)  # nearest first would pair (4, 0) with (3, 0) and leave the others

    def test_iou_and_average_precision_by_hand(self):
        a, b = np.array([(0.0, 0, 2, 2)]), np.array([(1.0, 0, 3, 2)])
        self.assertAlmostEqual(float(box_iou(a, b)[0, 0]), 2 / 6)
        case = (np.array([(0.0, 0, 2, 2), (9, 9, 10, 10)]), np.array([0.4, 0.9]), np.array([(0.0, 0, 2, 2)]))
        self.assertAlmostEqual(average_precision([case]), 0.5)  # the false one comes first

    def test_objects_join_at_corners_and_small_ones_go(self):
        m = np.zeros((9, 9), bool)
        m[1:3, 1:3] = m[3:5, 3:5] = m[8, 8] = True
        labels, n = objects(m, 4)
        self.assertEqual((n, labels[8, 8]), (1, 0))
        self.assertEqual(match_objects(labels, n, labels, n), 1)


class Training(unittest.TestCase):
    def test_a_broken_run_resumes_to_the_same_weights(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            make = lambda: torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3, padding=1), torch.nn.BatchNorm2d(2))
            schedule = Schedule(steps=24, save_every=6, warmup=2, bf16=False)
            broken = folder / 'broken'

            def draw(rng, batch):
                x = rng.normal(size=(batch, 1, 6, 6)).astype(np.float32)
                if broken.exists() and (count_down := int(broken.read_text())) >= 0:
                    broken.write_text(str(count_down - 1))
                    if count_down == 0:
                        os._exit(3)
                return {'x': x}

            loss = lambda out, t, step: ((out - t['x']).pow(2).mean(), {})
            one = dict(schedule.__dict__, workers=1)
            whole = train(folder / 'a', make, draw, loss, Schedule(**one)).state_dict()
            broken.write_text('15')
            with self.assertRaises(RuntimeError):
                train(folder / 'b', make, draw, loss, Schedule(**one))
            again = train(folder / 'b', make, draw, loss, Schedule(**one)).state_dict()
            self.assertTrue(all(torch.equal(whole[k], again[k]) for k in whole))


if __name__ == '__main__':
    unittest.main()
